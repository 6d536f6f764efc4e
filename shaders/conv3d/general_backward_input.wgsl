// Gradient of a convolution of any stride, padding, dilation and number of groups with respect to its input. With
// a bias and an activation, it is also the transposed convolution, which is the same sum.
//
//   grad_input[n,ci,i] = f( bias[ci] + sum_{co,t} weight[co,ci,t] * grad_output[n,co,o] )
//     over the channels co of the group of ci and the taps t with o*stride = i + padding - t*dilation for some o
//
// i and o are positions (z,y,x), t is a tap (dz,dy,dx).
//
// Layout: volumes [n*D+z][c][y][x]; weight [co][ci][dz][dy][dx], ci counted within the group.
// Mapping: one invocation computes four voxels of a row, `stride_w` apart because such voxels use the same taps, for
// TILE_CI input channels of a group. gid.x runs over (y, four voxels of a row), gid.y over (group, block of channels),
// gid.z over planes n*D+z.

struct Params {
  // #include common/convolution_fields
  blocks: u32,     // of channels in a group
  activation: u32, // f, see common/activation
  first_plane: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

const TILE_CI = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
// #if ${BIAS}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> grad_input: array<f32>;

// #include common/math
// #include common/activation

// The output position that reads position `at` of the padded input; `extent` (out of range) if there is none.
fn position(at: u32, stride: u32, extent: u32) -> u32 {
  let found = at / stride;
  // A position before the start has wrapped around and is large.
  return select(extent, found, found * stride == at && found < extent);
}

fn load(row: u32, x: u32) -> f32 {
  if (x >= params.out_width) { return 0.0; }
  return grad_output[row + x];
}

fn bias_of(channel: u32) -> f32 {
// #if ${BIAS}
  return bias[channel];
// #else
  return 0.0;
// #endif
}

fn store(plane: u32, channel: u32, y: u32, x: u32, sum: vec4f) {
  let value = activate4(sum, params.activation);
  let row = ((plane * params.in_channels + channel) * params.in_height + y) * params.in_width - params.grad_input_base;
  let step = params.stride_w;
  if (x < params.in_width) { grad_input[row + x] = value.x; }
  if (x + step < params.in_width) { grad_input[row + x + step] = value.y; }
  if (x + 2u * step < params.in_width) { grad_input[row + x + 2u * step] = value.z; }
  if (x + 3u * step < params.in_width) { grad_input[row + x + 3u * step] = value.w; }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let span = 4u * params.stride_w;
  let tiles = (params.in_width + span - 1u) / span * params.stride_w;
  let y = gid.x / tiles;
  let tile = gid.x % tiles;
  // The first of the four voxels: x = phase + stride * (0, 1, 2, 3) + a multiple of the span.
  let phase = tile % params.stride_w;
  let begin = tile / params.stride_w * 4u;
  let x = begin * params.stride_w + phase;
  if (y >= params.in_height || x >= params.in_width) { return; }
  let group = gid.y / params.blocks;
  let first = gid.y % params.blocks * TILE_CI;
  let plane = params.first_plane + gid.z;
  let n = plane / params.in_depth;
  let z = plane % params.in_depth;

  // A channel past the end of the group repeats the last one and is not stored.
  let last = params.group_inputs - 1u;
  let taps = params.kernel_d * params.kernel_h * params.kernel_w;
  // #each TILE_CI let channel$ = min(first + $u, last);
  // #each TILE_CI var sum$ = vec4f(bias_of(group * params.group_inputs + channel$));

  for (var c = 0u; c < params.group_outputs; c++) {
    let co = group * params.group_outputs + c;
    let weights = co * params.group_inputs * taps;
    for (var dz = 0u; dz < params.kernel_d; dz++) {
      let zo = position(z + params.padding_d - dz * params.dilation_d, params.stride_d, params.out_depth);
      if (zo >= params.out_depth) { continue; }
      for (var dy = 0u; dy < params.kernel_h; dy++) {
        let yo = position(y + params.padding_h - dy * params.dilation_h, params.stride_h, params.out_height);
        if (yo >= params.out_height) { continue; }
        let row = (((n * params.out_depth + zo) * params.out_channels + co) * params.out_height + yo)
          * params.out_width - params.grad_output_base;
        let tap = weights + (dz * params.kernel_h + dy) * params.kernel_w;
        for (var dx = 0u; dx < params.kernel_w; dx++) {
          // Signed: the first of the four positions may lie before the start while others do not.
          let offset = i32(phase + params.padding_w) - i32(dx * params.dilation_w);
          let stride = i32(params.stride_w);
          if (offset % stride != 0) { continue; }
          let xo = begin + u32(offset / stride);
          let values = vec4f(load(row, xo), load(row, xo + 1u), load(row, xo + 2u), load(row, xo + 3u));
          // #each TILE_CI sum$ = fma(values, vec4f(weight[tap + channel$ * taps + dx]), sum$);
        }
      }
    }
  }
  // #each TILE_CI if (first + $u <= last) { store(plane, group * params.group_inputs + channel$, y, x, sum$); }
}
