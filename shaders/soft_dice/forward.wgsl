// Sums over one plane and class for the soft Dice loss; summed over depth by finish.wgsl.
//
//   partials[n*D+z][c] = (sum p[c] * t[c], sum p[c] + t[c])
//
// With LABELS the target t is 1 for the voxel's label and 0 for the other classes.
// Mapping: one workgroup of 64 per (class, plane).

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  probabilities_base: u32,
  target_values_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
// #if ${LABELS}
@group(0) @binding(2) var<storage, read> target_values: array<u32>;
// #else
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> partials: array<vec2f>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let plane = params.first_plane + group.y;
  let row = plane * params.channels + group.x;
  var products = 0.0;
  var masses = 0.0;
  for (var i = lane; i < params.area; i += 64u) {
    let p = probabilities[row * params.area + i - params.probabilities_base];
// #if ${LABELS}
    let t = select(0.0, 1.0, target_values[plane * params.area + i - params.target_values_base] == group.x);
// #else
    let t = target_values[row * params.area + i - params.target_values_base];
// #endif
    products += p * t;
    masses += p + t;
  }
  let product = workgroup_sum(products, lane);
  let mass = workgroup_sum(masses, lane);
  if (lane == 0u) { partials[row] = vec2f(product, mass); }
}
