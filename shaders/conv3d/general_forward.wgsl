// Convolution of any stride, padding, dilation and number of groups, for the cases that the tuned kernel does not cover.
// Also the gradient of a transposed convolution with respect to its input.
//
//   output[n,co,o] = f( bias[co] + sum_{ci,t} weight[co,ci,t] * input[n, g*Ci/G + ci, o*stride - padding + t*dilation] )
//
// o is a position (z,y,x), t a tap (dz,dy,dx), G the number of groups, g that of co; the input is 0 outside.
//
// Layout: volumes [n*D+z][c][y][x]; weight [co][ci][dz][dy][dx], ci counted within the group.
// Mapping: one invocation computes four neighbours along x for TILE_CO output channels of a group. gid.x runs over
// (y, four along x), gid.y over (group, block of channels), gid.z over planes n*D+z.

struct Params {
  // #include common/convolution_fields
  blocks: u32,     // of channels in a group
  activation: u32, // f, see common/activation
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

const TILE_CO = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
// #if ${BIAS}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// #include common/math
// #include common/activation

fn load(row: u32, x: u32) -> f32 {
  if (x >= params.in_width) { return 0.0; }
  return input[row + x];
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
  let at = ((plane * params.out_channels + channel) * params.out_height + y) * params.out_width + x - params.output_base;
  output[at] = value.x;
  if (x + 1u < params.out_width) { output[at + 1u] = value.y; }
  if (x + 2u < params.out_width) { output[at + 2u] = value.z; }
  if (x + 3u < params.out_width) { output[at + 3u] = value.w; }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let fours = (params.out_width + 3u) / 4u;
  let y = gid.x / fours;
  let x = gid.x % fours * 4u;
  if (y >= params.out_height) { return; }
  let group = gid.y / params.blocks;
  let first = gid.y % params.blocks * TILE_CO;
  let plane = params.first_plane + gid.z;
  let n = plane / params.out_depth;
  let z = plane % params.out_depth;

  // A channel past the end of the group repeats the last one and is not stored.
  let last = params.group_outputs - 1u;
  let taps = params.kernel_d * params.kernel_h * params.kernel_w;
  // #each TILE_CO let channel$ = group * params.group_outputs + min(first + $u, last);
  // #each TILE_CO let weights$ = channel$ * params.group_inputs * taps;
  // #each TILE_CO var sum$ = vec4f(bias_of(channel$));

  for (var ci = 0u; ci < params.group_inputs; ci++) {
    let channel = group * params.group_inputs + ci;
    for (var dz = 0u; dz < params.kernel_d; dz++) {
      // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
      let zi = z * params.stride_d + dz * params.dilation_d - params.padding_d;
      if (zi >= params.in_depth) { continue; }
      for (var dy = 0u; dy < params.kernel_h; dy++) {
        let yi = y * params.stride_h + dy * params.dilation_h - params.padding_h;
        if (yi >= params.in_height) { continue; }
        let row = (((n * params.in_depth + zi) * params.in_channels + channel) * params.in_height + yi)
          * params.in_width - params.input_base;
        let tap = ci * taps + (dz * params.kernel_h + dy) * params.kernel_w;
        for (var dx = 0u; dx < params.kernel_w; dx++) {
          let xi = x * params.stride_w + dx * params.dilation_w - params.padding_w;
          let values = vec4f(
            load(row, xi),
            load(row, xi + params.stride_w),
            load(row, xi + 2u * params.stride_w),
            load(row, xi + 3u * params.stride_w),
          );
          // #each TILE_CO sum$ = fma(values, vec4f(weight[weights$ + tap + dx]), sum$);
        }
      }
    }
  }
  // #each TILE_CO if (first + $u <= last) { store(plane, channel$, y, x, sum$); }
}
