// Gradient of the convolution of labels (forward.wgsl) with respect to its weights.
//
//   grad_weight[co,c,dz,dy,dx] = sum_{n,z,y,x} [label[n,z,y,x] == c] * grad_output[n,co,z+pz-dz,y+py-dy,x+px-dx]
//
// The sum runs over the labels, not over the outputs, so each label is compared with a class once for all taps.
// The volume is cut into bricks (some rows of one plane of labels); reduce/columns.wgsl adds their partial sums.
// Layout: labels [n*D+z][y][x]; grad_output [n*D+z][co][y][x]; partials [brick][co][c][dz][dy][dx].
// Mapping: one invocation sums one brick (64 to a workgroup, group.z) for one output channel (group.y) and one
// (block of classes, dz) (group.x, so that successive workgroups read the same bricks). It keeps CLASSES x KH x KW sums in
// named registers and takes four labels of a row at a time: one vec4 of labels serves all sums, and every loaded gradient
// serves CLASSES x KW. Unrolled by src/ops/label-conv3d/unroll-backward-weight.ts.

struct Params {
  classes: u32,
  outputs: u32,
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  bricks: u32,
  first_brick: u32,
  bricks_per_plane: u32,
  brick_rows: u32,
  labels_base: u32,
  grad_output_base: u32,
}

const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const CLASSES = 1u; // #set
const NOWHERE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
// #if ${VECTOR}
@group(0) @binding(1) var<storage, read> labels: array<vec4u>;
alias StoredGradOutput = vec4f; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
// #else
@group(0) @binding(1) var<storage, read> labels: array<u32>;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
// #endif
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// Labels at x..x+3 of a row; no label outside it. With VECTOR, rows are whole vec4s.
fn load_labels(row: u32, x: u32) -> vec4u {
// #if ${VECTOR}
  return labels[(row + x) / 4u];
// #else
  var values = vec4u(labels[row + x], NOWHERE, NOWHERE, NOWHERE);
  if (x + 1u < params.width) { values.y = labels[row + x + 1u]; }
  if (x + 2u < params.width) { values.z = labels[row + x + 2u]; }
  if (x + 3u < params.width) { values.w = labels[row + x + 3u]; }
  return values;
// #endif
}

// Gradients at x..x+3 of a row, zeros outside it.
fn load_grad(row: u32, x: u32, inside: bool) -> vec4f {
// #if ${VECTOR}
  let here = inside && x < params.width;
  return select(vec4f(0.0), vec4f(grad_output[(row + x) / 4u]), here);
// #else
  var values = vec4f(0.0);
  if (inside) {
    if (x < params.width) { values.x = f32(grad_output[row + x]); }
    if (x + 1u < params.width) { values.y = f32(grad_output[row + x + 1u]); }
    if (x + 2u < params.width) { values.z = f32(grad_output[row + x + 2u]); }
    if (x + 3u < params.width) { values.w = f32(grad_output[row + x + 3u]); }
  }
  return values;
// #endif
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let brick = group.z * 64u + lane;
  if (brick >= params.bricks) { return; }
  let co = group.y;
  let first_class = group.x / KD * CLASSES;
  let dz = group.x % KD;
  let area = params.height * params.width;
  let plane = params.first_plane + brick / params.bricks_per_plane;
  let first_row = brick % params.bricks_per_plane * params.brick_rows;
  let last_row = min(first_row + params.brick_rows, params.height);
  // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
  let inside_z = plane % params.depth + KD / 2u - dz < params.depth;
  let grad_plane = ((plane + KD / 2u - dz) * params.outputs + co) * area - params.grad_output_base;

  // #generate declare

  for (var y = first_row; y < last_row; y++) {
    let label_row = plane * area + y * params.width - params.labels_base;
    // #generate start
    for (var x = 0u; x < params.width; x += 4u) {
      // #generate add
    }
  }

  let to = ((params.first_brick + brick) * params.outputs + co) * params.classes;
  // #generate store
}
