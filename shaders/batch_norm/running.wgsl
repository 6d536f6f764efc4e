// Moves the running statistics of a batch normalisation towards those of a batch with V voxels per channel.
//
//   running_mean = running_mean + momentum * (mean - running_mean)
//   running_variance = running_variance + momentum * (variance * V / (V - 1) - running_variance)
//
// variance = 1 / rstd^2 - epsilon is the biased variance of the batch; correction = V / (V - 1).
// Mapping: one invocation per channel.

struct Params {
  channels: u32,
  momentum: f32,
  epsilon: f32,
  correction: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> running_variance: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let c = gid.x;
  if (c >= params.channels) { return; }
  let known = statistics[c];
  let variance = params.correction * max(1.0 / (known.y * known.y) - params.epsilon, 0.0);
  running_mean[c] += params.momentum * (known.x - running_mean[c]);
  running_variance[c] += params.momentum * (variance - running_variance[c]);
}
