// Gradient of the cross-entropy against soft targets or labels with respect to the logits.
//
//   grad_logits[c] = scale * grad_output * (softmax(logits)[c] * sum_k target[k] - target[c])
//
// With LABELS the target is 1 for the voxel's label and 0 for the other classes.
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  scale: f32,
  logits_base: u32,
  target_values_base: u32,
  grad_logits_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredLogits = f32; // #stored logits
@group(0) @binding(1) var<storage, read> logits: array<StoredLogits>;
// #if ${LABELS}
@group(0) @binding(2) var<storage, read> target_values: array<u32>;
// #else
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_logits: array<f32>;

// #include common/math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * params.channels * params.area + gid.x;
  let source = first - params.logits_base;
// #if ${LABELS}
  let label = target_values[(params.first_plane + gid.y) * params.area + gid.x - params.target_values_base];
  let mass = select(0.0, 1.0, label < params.channels);
// #else
  let wanted = first - params.target_values_base;
  var mass = 0.0;
  for (var c = 0u; c < params.channels; c++) { mass += target_values[wanted + c * params.area]; }
// #endif
  let to = first - params.grad_logits_base;
  let scale = params.scale * grad_output[0];
  var largest = f32(logits[source]);
  for (var c = 1u; c < params.channels; c++) { largest = max(largest, f32(logits[source + c * params.area])); }
  var sum = 0.0;
  for (var c = 0u; c < params.channels; c++) { sum += exp_exact(f32(logits[source + c * params.area]) - largest); }
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.area;
    let probability = exp_exact(f32(logits[source + at]) - largest) / sum;
// #if ${LABELS}
    let wanted = select(0.0, 1.0, c == label);
    grad_logits[to + at] = scale * (probability * mass - wanted);
// #else
    grad_logits[to + at] = scale * (probability * mass - target_values[wanted + at]);
// #endif
  }
}
