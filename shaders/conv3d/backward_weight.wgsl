// Gradient of a 3-D convolution (stride 1, zero padding, odd kernel) with respect to its weights.
//
//   grad_weight[co,ci,dz,dy,dx] = sum_{n,z,y,x} grad_output[n,co,z,y,x] * input[n,ci,z+dz-pz,y+dy-py,x+dx-px]
//
// The volume is cut into bricks (some rows of one plane); reduce/columns.wgsl adds their partial sums.
// With UPSAMPLED the input is half as fine as the gradient and read as if it were upsampled (nearest).
//
// Layout: volumes [n*D+z][c][y][x]; partials [brick][co][ci][dz][dy][dx].
// Mapping: a workgroup sums one brick (group.z) for one block of output channels (group.y); its invocations take one
// (ci, dz, dy) each (group.x goes on with them), so that all of them read the same gradients and each its own row of the
// input. TILE_CO x KW sums in named registers, four voxels of a row at a time. Each lane of a subgroup reads the gradient
// of one channel and tells it to the others (without SUBGROUPS each reads them all). Unrolled by
// src/ops/conv3d/unroll-backward-weight.ts.

// #if ${SUBGROUPS}
enable subgroups;
// #endif

struct Params {
  inputs: u32,        // channels of `input`
  first_input: u32,   // where they stand among the input channels of the weights
  weight_inputs: u32, // how many of those there are
  outputs: u32,
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  bricks: u32,
  first_brick: u32,
  bricks_per_plane: u32,
  brick_rows: u32,
  input_base: u32,
  grad_output_base: u32,
}

const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const TILE_CO = 1u; // #set
const LANES = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
// #if ${VECTOR}
// #if ${UPSAMPLED}
alias StoredInput = vec2f; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
// #else
alias StoredInput = vec4f; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
// #endif
alias StoredGradOutput = vec4f; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
// #else
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
// #endif
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// Where row y of a plane of the input begins.
fn input_row(plane: u32, y: u32) -> u32 {
// #if ${UPSAMPLED}
  return plane + y / 2u * (params.width / 2u);
// #else
  return plane + y * params.width;
// #endif
}

// Voxels x..x+3 of a row of the input, zeros beside it. With VECTOR rows are whole vec4s (and of half as many pairs).
fn load_input(row: u32, x: u32, inside: bool) -> vec4f {
// #if ${UPSAMPLED}
// #if ${VECTOR}
  let here = inside && x < params.width;
  let pair = vec2f(input[select(0u, row + x / 2u, here) / 2u]);
  return select(vec4f(0.0), pair.xxyy, here);
// #else
  var values = vec4f(0.0);
  if (inside) {
    if (x < params.width) { values = vec4f(vec2f(f32(input[row + x / 2u])), 0.0, 0.0); }
    if (x + 2u < params.width) { values = vec4f(values.xy, vec2f(f32(input[row + x / 2u + 1u]))); }
  }
  return values;
// #endif
// #elif ${VECTOR}
  let here = inside && x < params.width;
  return select(vec4f(0.0), vec4f(input[select(0u, row + x, here) / 4u]), here);
// #else
  var values = vec4f(0.0);
  if (inside) {
    if (x < params.width) { values.x = f32(input[row + x]); }
    if (x + 1u < params.width) { values.y = f32(input[row + x + 1u]); }
    if (x + 2u < params.width) { values.z = f32(input[row + x + 2u]); }
    if (x + 3u < params.width) { values.w = f32(input[row + x + 3u]); }
  }
  return values;
// #endif
}

fn load_grad(row: u32, x: u32) -> vec4f {
// #if ${VECTOR}
  return vec4f(grad_output[(row + x) / 4u]);
// #else
  var values = vec4f(f32(grad_output[row + x]), 0.0, 0.0, 0.0);
  if (x + 1u < params.width) { values.y = f32(grad_output[row + x + 1u]); }
  if (x + 2u < params.width) { values.z = f32(grad_output[row + x + 2u]); }
  if (x + 3u < params.width) { values.w = f32(grad_output[row + x + 3u]); }
  return values;
// #endif
}

@compute @workgroup_size(LANES)
fn main(
// #if ${SUBGROUPS}
  @builtin(subgroup_invocation_id) sublane: u32,
// #endif
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let brick = group.z;
  let block = group.y;
  // Lanes left over repeat the last role and store nothing: a subgroup can tell only what all of it has reached.
  let roles = params.inputs * KD * KH;
  let role = min(group.x * LANES + lane, roles - 1u);
  let ci = role / (KD * KH);
  let dz = role / KH % KD;
  let dy = role % KH;
  let area = params.height * params.width;
  let plane = params.first_plane + brick / params.bricks_per_plane;
  let first_row = brick % params.bricks_per_plane * params.brick_rows;
  let last_row = min(first_row + params.brick_rows, params.height);
  // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
  let inside_z = plane % params.depth + dz - KD / 2u < params.depth;
// #if ${UPSAMPLED}
  let input_plane = ((plane + dz - KD / 2u) / 2u * params.inputs + ci) * (area / 4u) - params.input_base;
// #else
  let input_plane = ((plane + dz - KD / 2u) * params.inputs + ci) * area - params.input_base;
// #endif

  // #generate declare

  for (var y = first_row; y < last_row; y++) {
    let grad_row = (plane * params.outputs + block * TILE_CO) * area + y * params.width - params.grad_output_base;
    let inside = inside_z && y + dy - KH / 2u < params.height;
    let row = input_row(input_plane, y + dy - KH / 2u);
    // #generate start
    for (var x = 0u; x < params.width; x += 4u) {
      // #generate multiply
    }
  }

  if (group.x * LANES + lane >= roles) { return; }
  let to = (params.first_brick + brick) * params.outputs * params.weight_inputs * KD * KH * KW;
  // #generate store
}
