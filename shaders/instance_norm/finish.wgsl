// Sums of all planes to what the last pass of instance normalisation needs, per (n, c) with V voxels.
//
//   forward:   statistics = (mean, 1 / sqrt(variance + epsilon)),  biased variance
//   BACKWARD:  means = (mean of grad_output, mean of grad_output * normalised)
//
// Mapping: one workgroup of 64 per (channel, n).

struct Params {
  channels: u32,
  depth: u32,
  voxels: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec2f>;
// #if ${BACKWARD}
@group(0) @binding(2) var<storage, read_write> means: array<vec2f>;
// #else
@group(0) @binding(2) var<storage, read_write> statistics: array<vec2f>;
// #endif

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var first = 0.0;
  var second = 0.0;
  for (var z = lane; z < params.depth; z += 64u) {
    let partial = partials[(group.y * params.depth + z) * params.channels + group.x];
    first += partial.x;
    second += partial.y;
  }
  let sum = workgroup_sum(first, lane) / params.voxels;
  let sum_squares = workgroup_sum(second, lane) / params.voxels;
  if (lane == 0u) {
    let at = group.y * params.channels + group.x;
// #if ${BACKWARD}
    means[at] = vec2f(sum, sum_squares);
// #else
    let variance = max(sum_squares - sum * sum, 0.0);
    statistics[at] = vec2f(statistics[at].x + sum, 1.0 / sqrt(variance + params.epsilon));
// #endif
  }
}
