// The last step of a sum: adds up one row of partial sums.
//
//   output[row] = scale * sum_j partials[row * count + j]
//
// Mapping: one workgroup of 64 invocations per row; each adds every 64th entry, then workgroup_sum.

struct Params {
  count: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var j = lane; j < params.count; j += 64u) { sum += partials[group.x * params.count + j]; }
  let total = workgroup_sum(sum, lane);
  if (lane == 0u) { output[group.x] = params.scale * total; }
}
