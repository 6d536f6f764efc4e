// 3-D convolution, stride 1, zero padding that keeps the size, odd kernel (also its gradient with respect to the input,
// which is the same sum over flipped and transposed weights; see pack_weights.wgsl).
//
//   output[n,co,z,y,x] = f( bias[co] + sum_{ci,dz,dy,dx} weight[co,ci,dz,dy,dx]
//                             * input[n, ci, z + (dz - KD/2) DD, y + (dy - KH/2) DH, x + (dx - KW/2) DW] )
//
// DD, DH and DW are the dilation; DW is unrolled into the tile. An upsampled input has none.
//
// With UPSAMPLED, the first input channels come from a volume of half the resolution, as if it were upsampled (nearest)
// and concatenated in front:  input[n,ci,z,y,x] = coarse[n,ci,z/2,y/2,x/2]. Taps that read the same coarse voxel share one
// multiplication by the sum of their weights. Which ones do depends on whether z, y and x are even.
// With MASK, the result is a gradient that passes through a ReLU: it is 0 where the ReLU's output, `mask`, is 0.
// With ARGMAX, only the class of the largest output is stored, as argmax/forward.wgsl chooses it; `prior` has the layout of the
// outputs.
// With SPLIT, the first output channels go to a separate volume: the gradient with respect to such a coarse input.
//
// Layout: volumes [n*D+z][c][y][x]; packed weights [dz][dy][dx][ci][co] in vec4s, followed by the bias; those of coarse channels
// come first (see pack_weights.wgsl).
// Mapping: one invocation computes TILE_X outputs along x for one block of output channels, held in named
// registers. gid.x runs over (y, x tile), group.y over blocks of output channels, group.z over planes n*D+z. With UPSAMPLED,
// workgroups take even and odd rows in turn, so that all their invocations need the same weights.
// The tile is unrolled by src/ops/conv3d/unroll-forward.ts; the loops over dz, dy and ci stay loops, because unrolled code
// compiles slowly. All invocations need the same weights; with SUBGROUPS, each lane reads some of them and broadcasts them.

// #if ${SUBGROUPS}
enable subgroups;
// #endif

struct Params {
  inputs: u32,  // channels of `input`
  outputs: u32, // channels of `output`
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  weight_groups: u32, // vec4s of one tap and input channel
  activation: u32, // f, see common/activation
  input_base: u32,
// #if ${UPSAMPLED}
  coarse_inputs: u32,
  coarse_base: u32,
// #endif
  output_base: u32,
// #if ${MASK}
  mask_base: u32,
// #endif
// #if ${PRIOR}
  threshold: f32,
  least: f32,
  prior_base: u32,
// #endif
// #if ${SPLIT}
  first_outputs: u32,
  first_output_base: u32,
// #endif
}

const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const DD = 1u; // #set
const DH = 1u; // #set
const TILE_X = 1u; // #set
const TILE_CO = 1u; // #set
const LANES = 64u; // #set
const PACKED = 1u; // #set
// #if ${UPSAMPLED}
// Coarse voxels in reach of an output, along each axis.
const CD = KD / 2u + 1u;
const CH = KH / 2u + 1u;
const CW = KW / 2u + 1u;
// #endif

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
// #if ${UNIFORM_WEIGHTS}
@group(0) @binding(2) var<uniform> packed: array<vec4f, PACKED>;
// #else
@group(0) @binding(2) var<storage, read> packed: array<vec4f>;
// #endif
// #if ${ARGMAX}
// #if ${VECTOR}
@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;
// #else
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
// #endif
// #else
alias StoredOutput = Element; // #stored output
@group(0) @binding(3) var<storage, read_write> output: array<StoredOutput>;
// #endif
// #if ${PRIOR}
@group(0) @binding(7) var<storage, read> prior: array<Element>;
// #endif
// #if ${UPSAMPLED}
// #if ${COARSE_VECTOR}
alias CoarseElement = vec4f;
alias StoredCoarse = vec4f; // #stored coarse
const COARSE_WIDTH = 4u;
// #else
alias CoarseElement = f32;
alias StoredCoarse = f32; // #stored coarse
const COARSE_WIDTH = 1u;
// #endif
@group(0) @binding(4) var<storage, read> coarse: array<StoredCoarse>;
// #endif
// #if ${MASK}
alias StoredMask = Element; // #stored mask
@group(0) @binding(6) var<storage, read> mask: array<StoredMask>;
// #endif
// #if ${SPLIT}
alias StoredFirstOutput = Element; // #stored first_output
@group(0) @binding(5) var<storage, read_write> first_output: array<StoredFirstOutput>;
// #endif

// #include common/math
// #include common/activation
// #include common/linear
// #if ${ARGMAX}
// #include common/element_math
// #include common/choice
// #if ${PRIOR}
// #include common/within_prior
// #endif

// What counts of an output in the choice; `at` is its index in the whole value.
fn logit(output: Element, at: u32) -> Element {
// #if ${PRIOR}
  return within_prior(output, prior[(at - params.prior_base) / WIDTH]);
// #else
  return output;
// #endif
}
// #else

// Index at which output channel co of a plane starts.
fn channel_start(plane: u32, co: u32, area: u32) -> u32 {
// #if ${SPLIT}
  if (co < params.first_outputs) {
    return (plane * params.first_outputs + co) * area - params.first_output_base;
  }
  return (plane * params.outputs + co - params.first_outputs) * area - params.output_base;
// #else
  return (plane * params.outputs + co) * area - params.output_base;
// #endif
}

// Stores one result or, with VECTOR, four results of a row.
fn store(co: u32, at: u32, value: Element) {
// #if ${SPLIT}
  if (co < params.first_outputs) {
    first_output[at / WIDTH] = StoredFirstOutput(value);
    return;
  }
// #endif
// #if ${MASK}
  let passes = Element(mask[(at + params.output_base - params.mask_base) / WIDTH]) > Element(0.0);
  output[at / WIDTH] = StoredOutput(select(Element(0.0), value, passes));
// #elif ${VECTOR}
  output[at / WIDTH] = StoredOutput(activate4(value, params.activation));
// #else
  output[at / WIDTH] = StoredOutput(activate(value, params.activation));
// #endif
}
// #endif

@compute @workgroup_size(LANES)
fn main(
// #if ${SUBGROUPS}
  @builtin(subgroup_invocation_id) sublane: u32,
// #endif
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let tiles = (params.width + TILE_X - 1u) / TILE_X;
// #if ${UPSAMPLED}
  let odd_row = group.x % 2u;
  let index = gid.x - (group.x - group.x / 2u) * LANES;
  let y = index / tiles * 2u + odd_row;
// #else
  let index = gid.x;
  let y = index / tiles;
// #endif
  let x0 = (index % tiles) * TILE_X;
  let block = group.y;
  let plane = params.first_plane + group.z;
  let z = plane % params.depth;
  let area = params.height * params.width;
  let tap = params.inputs * params.weight_groups;
// #if ${UPSAMPLED}
  let coarse_tap = params.coarse_inputs * params.weight_groups;
  let fine_at = 8u * CD * CH * CW * coarse_tap + block * (TILE_CO / 4u);
// #else
  let fine_at = block * (TILE_CO / 4u);
// #endif
// #if ${SPLIT}
  let all_outputs = params.first_outputs + params.outputs;
// #else
  let all_outputs = params.outputs;
// #endif
  let bias_at = fine_at + KD * KH * KW * tap;

  // #generate declare

// #if ${UPSAMPLED}
  // #generate declare_coarse

  // These bounds are CD and CH, but not constant, because drivers would unroll the loops.
  for (var jz = 0u; jz < min(CD, CD * params.weight_groups); jz++) {
    // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
    let dz = u32((i32(z % 2u) - i32(KD / 2u)) >> 1u) + jz;
    if (z / 2u + dz >= params.depth / 2u) { continue; }
    for (var jy = 0u; jy < min(CH, CH * params.weight_groups); jy++) {
      let yi = y / 2u + u32((i32(odd_row) - i32(KH / 2u)) >> 1u) + jy;
// #if ${SUBGROUPS}
      let inside = yi < params.height / 2u;
// #else
      if (yi >= params.height / 2u) { continue; }
      let inside = true;
// #endif
      var row = ((plane / 2u + dz) * params.coarse_inputs * (area / 4u) + yi * (params.width / 2u) + x0 / 2u - params.coarse_base) / COARSE_WIDTH;
      var at = (((z % 2u * CD + jz) * 2u + odd_row) * CH + jy) * 2u * CW * coarse_tap + block * (TILE_CO / 4u);
      for (var ci = 0u; ci < params.coarse_inputs; ci++) {
        // #generate multiply_coarse
        row += area / 4u / COARSE_WIDTH;
        at += params.weight_groups;
      }
    }
  }
// #endif
  for (var dz = 0u; dz < KD; dz++) {
    let zi = z + (dz - KD / 2u) * DD;
    if (zi >= params.depth) { continue; }
    for (var dy = 0u; dy < KH; dy++) {
      let yi = y + (dy - KH / 2u) * DH;
// #if ${SUBGROUPS}
      let inside = yi < params.height;
// #else
      if (yi >= params.height) { continue; }
      let inside = true;
// #endif
      var row = ((plane + (dz - KD / 2u) * DD) * params.inputs * area + yi * params.width + x0 - params.input_base) / WIDTH;
      var at = fine_at + (dz * KH + dy) * KW * tap;
      for (var ci = 0u; ci < params.inputs; ci++) {
        // #generate multiply
        row += area / WIDTH;
        at += params.weight_groups;
      }
    }
  }

  // Do not return earlier: subgroupBroadcast needs every lane of the subgroup.
  if (y >= params.height) { return; }
  let within = y * params.width + x0;
  // #generate store
}
