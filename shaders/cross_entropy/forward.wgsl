// Cross-entropy of softmax(logits) against soft targets or labels, summed over a workgroup's voxels.
//
//   partials[group] = - sum_voxel sum_c target[c] * log softmax(logits)[c]
//
// With LABELS the target is 1 for the voxel's label and 0 for the other classes.
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  groups: u32,
  logits_base: u32,
  target_values_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredLogits = f32; // #stored logits
@group(0) @binding(1) var<storage, read> logits: array<StoredLogits>;
// #if ${LABELS}
@group(0) @binding(2) var<storage, read> target_values: array<u32>;
// #else
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// #include common/math
// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var loss = 0.0;
  if (gid.x < params.area) {
    let first = (params.first_plane + gid.y) * params.channels * params.area + gid.x;
    let source = first - params.logits_base;
// #if ${LABELS}
    let label = target_values[(params.first_plane + gid.y) * params.area + gid.x - params.target_values_base];
// #else
    let wanted = first - params.target_values_base;
// #endif
    var largest = f32(logits[source]);
    for (var c = 1u; c < params.channels; c++) { largest = max(largest, f32(logits[source + c * params.area])); }
    var sum = 0.0;
    for (var c = 0u; c < params.channels; c++) { sum += exp_exact(f32(logits[source + c * params.area]) - largest); }
    let log_sum = log_exact(sum);
// #if ${LABELS}
    if (label < params.channels) { loss = log_sum - (f32(logits[source + label * params.area]) - largest); }
// #else
    for (var c = 0u; c < params.channels; c++) {
      loss -= target_values[wanted + c * params.area] * (f32(logits[source + c * params.area]) - largest - log_sum);
    }
// #endif
  }
  let total = workgroup_sum(loss, lane);
  if (lane == 0u) { partials[(params.first_plane + group.y) * params.groups + group.x] = total; }
}
