// Convolution of any stride and padding, or (TRANSPOSED) the gradient with respect to its input, which is also the
// transposed convolution.
//
//   output[n,co,o] = f( bias[co] + sum_{ci,t} weight[co,ci,t] * input[n,ci,i] )   over the taps t with
//                                i = o*stride + t - padding
//   TRANSPOSED:         i*stride + t - padding = o,   for some i
//
// i and o are positions (z,y,x), t is a tap (dz,dy,dx); the input is 0 outside. Along each axis, a phase of the outputs of
// TRANSPOSED (those that are equal modulo the stride) uses the same taps.
//
// Layout: volumes [n*D+z][c][y][x]; packed weights [dz][dy][dx][ci][co] in vec4s, followed by the bias; the taps of
// TRANSPOSED are flipped (see pack_weights.wgsl).
// Mapping: one invocation computes TILE_X outputs along x for one block of output channels, held in named registers.
// gid.x runs over (y, x tile), group.y over (block of output channels, phase along y), group.z over planes n*D+z; so the
// invocations of a workgroup use the same taps. Unrolled along x by src/ops/conv3d/unroll-strided.ts. With SUBGROUPS, each
// lane reads some of the weights and broadcasts them.

// #if ${SUBGROUPS}
enable subgroups;
// #endif

struct Params {
  inputs: u32,  // channels of `input`
  outputs: u32, // channels of `output`
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  kernel_d: u32,
  kernel_h: u32,
  kernel_w: u32,
  stride_d: u32,
  stride_h: u32,
  stride_w: u32,
  padding_d: u32,
  padding_h: u32,
  padding_w: u32,
  first_plane: u32,
  blocks: u32, // of output channels
  weight_groups: u32, // vec4s of one tap and input channel
  activation: u32, // f, see common/activation
  input_base: u32,
  output_base: u32,
}

const TILE_X = 1u; // #set
const TILE_CO = 1u; // #set
const TILE_CI = 1u; // #set
const LANES = 64u; // #set
const PACKED = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
// #if ${UNIFORM_WEIGHTS}
@group(0) @binding(2) var<uniform> packed: array<vec4f, PACKED>;
// #else
@group(0) @binding(2) var<storage, read> packed: array<vec4f>;
// #endif
alias StoredOutput = Element; // #stored output
@group(0) @binding(3) var<storage, read_write> output: array<StoredOutput>;

// #include common/math
// #include common/activation
// #include common/linear

// Whether tap t meets an input at output o.
fn meets(o: u32, t: u32, stride: u32, padding: u32) -> bool {
// #if ${TRANSPOSED}
  return (o + padding + t * (stride - 1u)) % stride == 0u; // as o + padding - t, which may be below 0
// #else
  return true;
// #endif
}

// The position of that input. Those before the start wrap around and are large, so one comparison bounds both ends.
fn position(o: u32, t: u32, stride: u32, padding: u32) -> u32 {
// #if ${TRANSPOSED}
  return (o + padding - t) / stride;
// #else
  return o * stride + t - padding;
// #endif
}

// #include common/padded_row

// Stores one result or, with VECTOR, four results of a row.
fn store(at: u32, value: Element) {
// #if ${VECTOR}
  output[at / 4u] = StoredOutput(activate4(value, params.activation));
// #else
  output[at] = StoredOutput(activate(value, params.activation));
// #endif
}

@compute @workgroup_size(LANES)
fn main(
// #if ${SUBGROUPS}
  @builtin(subgroup_invocation_id) sublane: u32,
// #endif
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let tiles = (params.out_width + TILE_X - 1u) / TILE_X;
  let x0 = gid.x % tiles * TILE_X;
  let block = group.y % params.blocks;
// #if ${TRANSPOSED}
  let phase = group.y / params.blocks;
  let y = gid.x / tiles * params.stride_h + phase;
  let from_x = x0 / params.stride_w;
// #else
  let phase = 0u;
  let y = gid.x / tiles;
  let from_x = x0 * params.stride_w;
// #endif
  let plane = params.first_plane + group.z;
  let z = plane % params.out_depth;
  let first_in = plane / params.out_depth * params.in_depth;
  let area = params.in_height * params.in_width;
  let tap = params.inputs * params.weight_groups;
  let taps = params.kernel_d * params.kernel_h * params.kernel_w;
  let bias_at = taps * tap + block * (TILE_CO / 4u);

  // #generate declare

  for (var dz = 0u; dz < params.kernel_d; dz++) {
    let zi = position(z, dz, params.stride_d, params.padding_d);
    if (!meets(z, dz, params.stride_d, params.padding_d) || zi >= params.in_depth) { continue; }
    for (var dy = 0u; dy < params.kernel_h; dy++) {
      if (!meets(phase, dy, params.stride_h, params.padding_h)) { continue; }
      let yi = position(y, dy, params.stride_h, params.padding_h);
      let inside = yi < params.in_height;
      var row = (first_in + zi) * params.inputs * area + yi * params.in_width - params.input_base;
      let row_of_taps = (dz * params.kernel_h + dy) * params.kernel_w;
// #if ${TRANSPOSED}
      var at = (taps - params.kernel_w - row_of_taps) * tap + block * (TILE_CO / 4u);
// #else
      var at = row_of_taps * tap + block * (TILE_CO / 4u);
// #endif
      for (var ci = 0u; ci < params.inputs; ci += TILE_CI) {
        // #generate multiply
        row += TILE_CI * area;
        at += TILE_CI * params.weight_groups;
      }
    }
  }

  // Do not return earlier: subgroupBroadcast needs every lane of the subgroup.
  if (y >= params.out_height) { return; }
  let within = y * params.out_width + x0;
  // #generate store
}
