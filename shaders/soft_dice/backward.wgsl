// Gradient of the soft Dice loss with respect to the probabilities.
//
//   grad_probabilities[c] = scale * grad_output * ((2 * sums.x + smooth) / (sums.y + smooth) - 2 * t[c]) / (sums.y + smooth)
//
// sums = (sum p[c] * t[c], sum p[c] + t[c]) of the image's class; with LABELS the target t is 1 for the voxel's label and
// 0 for the other classes.
// Mapping: one invocation per voxel and class; gid.x over a plane's voxels, gid.y over classes, gid.z over planes.

struct Params {
  channels: u32,
  depth: u32,
  area: u32,
  first_plane: u32,
  smooth_by: f32,
  scale: f32,
  target_values_base: u32,
  grad_probabilities_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec2f>;
// #if ${LABELS}
@group(0) @binding(2) var<storage, read> target_values: array<u32>;
// #else
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_probabilities: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let at = (plane * params.channels + gid.y) * params.area + gid.x;
  let sum = sums[plane / params.depth * params.channels + gid.y];
  let mass = sum.y + params.smooth_by;
  let dice = (2.0 * sum.x + params.smooth_by) / mass;
// #if ${LABELS}
  let t = select(0.0, 1.0, target_values[plane * params.area + gid.x - params.target_values_base] == gid.y);
// #else
  let t = target_values[at - params.target_values_base];
// #endif
  grad_probabilities[at - params.grad_probabilities_base] = params.scale * grad_output[0] * (dice - 2.0 * t) / mass;
}
