// Converts running statistics to the form that a normalisation reads:
//
//   statistics[c] = (mean[c], 1 / sqrt(variance[c] + epsilon))
//
// Mapping: one invocation per channel.

struct Params {
  channels: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let c = gid.x;
  if (c >= params.channels) { return; }
  statistics[c] = vec2f(mean[c], 1.0 / sqrt(variance[c] + params.epsilon));
}
