// 3-D convolution, stride 1, zero padding that keeps the size, odd kernel (also its gradient with respect to the input,
// which is the same sum over flipped and transposed weights; see pack_weights.wgsl).
//
//   output[n,co,z,y,x] = f( bias[co] + sum_{ci,dz,dy,dx} weight[co,ci,dz,dy,dx]
//                             * input[n, ci, z + (dz - KD/2) DD, y + (dy - KH/2) DH, x + (dx - KW/2) DW] )
//
// DD, DH and DW are the dilation; DW is unrolled into the tile. An upsampled input has none.
//
// With UPSAMPLED, the first input channels come from a volume of half the resolution, as if it were upsampled (nearest)
// and concatenated in front:  input[n,ci,z,y,x] = coarse[n,ci,z/2,y/2,x/2].
// With MASK, the result is a gradient that passes through a ReLU: it is 0 where the ReLU's output, `mask`, is 0.
// With SPLIT, the first output channels go to a separate volume: the gradient with respect to such a coarse input.
//
// Layout: volumes [n*D+z][c][y][x]; packed weights [dz][dy][dx][ci][co] in vec4s, followed by the bias.
// Mapping: one invocation computes TILE_X outputs along x for one block of output channels, held in named
// registers. gid.x runs over (y, x tile), group.y over blocks of output channels, group.z over planes n*D+z.
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
// #if ${UPSAMPLED}
// #if ${COARSE_VECTOR}
alias StoredCoarse = vec4f; // #stored coarse
// #else
alias StoredCoarse = f32; // #stored coarse
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

// #if ${UPSAMPLED}
// The coarse voxel at row + x, or the zero padding; x wraps around below 0. Reads beyond a binding are harmless.
fn load_coarse(row: u32, x: u32, inside: bool) -> f32 {
  let here = inside && x < params.width / 2u;
  let at = row + x;
// #if ${COARSE_VECTOR}
  return select(0.0, f32(coarse[at / 4u][at % 4u]), here);
// #else
  return select(0.0, f32(coarse[at]), here);
// #endif
}

// #if ${COARSE_VECTOR}
fn load_coarse4(row: u32, x: u32, inside: bool) -> vec4f {
  let here = inside && x < params.width / 2u;
  return select(vec4f(0.0), vec4f(coarse[(row + x) / 4u]), here);
}
// #endif
// #endif

// #if ${UPSAMPLED}
// A weight of a coarse input; if the next plane's tap reads the same coarse plane, its weight is added.
fn coarse_weight(at: u32, both: bool, next_plane: u32) -> vec4f {
  return packed[at] + select(vec4f(0.0), packed[select(0u, at + next_plane, both)], both);
}
// #endif

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

@compute @workgroup_size(LANES)
fn main(
// #if ${SUBGROUPS}
  @builtin(subgroup_invocation_id) sublane: u32,
// #endif
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let tiles = (params.width + TILE_X - 1u) / TILE_X;
  let y = gid.x / tiles;
  let x0 = (gid.x % tiles) * TILE_X;
  let block = group.y;
  let plane = params.first_plane + group.z;
  let z = plane % params.depth;
  let area = params.height * params.width;
// #if ${UPSAMPLED}
  let tap = (params.coarse_inputs + params.inputs) * params.weight_groups;
// #else
  let tap = params.inputs * params.weight_groups;
// #endif
// #if ${SPLIT}
  let all_outputs = params.first_outputs + params.outputs;
// #else
  let all_outputs = params.outputs;
// #endif
  let bias_at = KD * KH * KW * tap + block * (TILE_CO / 4u);

  // #generate declare

  for (var dz = 0u; dz < KD; dz++) {
    // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
    let zi = z + (dz - KD / 2u) * DD;
    if (zi >= params.depth) { continue; }
// #if ${UPSAMPLED}
    // Two neighbouring planes may read the same coarse plane: the first then uses the sum of both weights.
    let both = zi % 2u == 0u && dz + 1u < KD;
    let taken = zi % 2u == 1u && dz > 0u;
// #endif
    for (var dy = 0u; dy < KH; dy++) {
      let yi = y + (dy - KH / 2u) * DH;
// #if ${SUBGROUPS}
      let inside = yi < params.height;
// #else
      if (yi >= params.height) { continue; }
      let inside = true;
// #endif
      var row = ((plane + (dz - KD / 2u) * DD) * params.inputs * area + yi * params.width + x0 - params.input_base) / WIDTH;
      var at = (dz * KH + dy) * KW * tap + block * (TILE_CO / 4u);
// #if ${UPSAMPLED}
      let fine_at = at + params.coarse_inputs * params.weight_groups;
      if (!taken) {
        var coarse_row = (plane + dz - KD / 2u) / 2u * params.coarse_inputs * (area / 4u) + yi / 2u * (params.width / 2u) - params.coarse_base;
        for (var ci = 0u; ci < params.coarse_inputs; ci++) {
          // #generate multiply_coarse
          coarse_row += area / 4u;
          at += params.weight_groups;
        }
      }
      at = fine_at;
// #endif
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
