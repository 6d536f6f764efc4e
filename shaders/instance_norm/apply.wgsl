// The last pass of instance normalisation.
//
//   forward:   output = (input - mean) * rstd
//   BACKWARD:  output = rstd * (grad_output - mean(grad_output) - normalised * mean(grad_output * normalised))
//
// Mapping: one invocation per voxel and channel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  depth: u32,
  area: u32,
  first_plane: u32,
  input_base: u32,
// #if ${BACKWARD}
  grad_output_base: u32,
// #endif
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
// #if ${BACKWARD}
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read> means: array<vec2f>;
// #endif
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let at = (plane * params.channels + gid.y) * params.area + gid.x;
  let channel = plane / params.depth * params.channels + gid.y;
  let known = statistics[channel];
  let normalised = (input[at - params.input_base] - known.x) * known.y;
// #if ${BACKWARD}
  let mean = means[channel];
  output[at - params.output_base] = known.y * (grad_output[at - params.grad_output_base] - mean.x - normalised * mean.y);
// #else
  output[at - params.output_base] = normalised;
// #endif
}
