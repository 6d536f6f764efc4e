// The last pass of a normalisation: normalised = (input - mean) * rstd, with the statistics of the voxel's group.
//
//   forward:   output = weight[c] * normalised + bias[c], with RELU the larger of that and 0
//   BACKWARD:  grad_input = rstd * (weight[c] * grad_output - means.x - normalised * means.y)
//
// Without WEIGHT the weight is 1; without BIAS the bias is 0.
// Mapping: one invocation per voxel (with VECTOR, per four neighbours) and channel; gid.x over those of a plane,
// gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  depth: u32,
  area: u32,
  first_plane: u32,
  image_groups: u32,
  group_channels: u32,
  input_base: u32,
// #if ${BACKWARD}
  grad_output_base: u32,
  grad_input_base: u32,
// #else
  output_base: u32,
// #endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Element>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
// #if ${BACKWARD}
@group(0) @binding(3) var<storage, read> grad_output: array<Element>;
@group(0) @binding(4) var<storage, read> means: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> grad_input: array<Element>;
// #else
alias StoredOutput = Element; // #stored output
@group(0) @binding(5) var<storage, read_write> output: array<StoredOutput>;
// #endif
// #if ${WEIGHT}
@group(0) @binding(6) var<storage, read> weight: array<f32>;
// #endif
// #if ${BIAS}
@group(0) @binding(7) var<storage, read> bias: array<f32>;
// #endif

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let within = gid.x * WIDTH;
  if (within >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let at = (plane * params.channels + gid.y) * params.area + within;
  let group = plane / params.depth * params.image_groups + gid.y / params.group_channels;
  let known = statistics[group];
  let normalised = (input[(at - params.input_base) / WIDTH] - known.x) * known.y;
// #if ${BACKWARD}
  let mean = means[group];
  var grad = grad_output[(at - params.grad_output_base) / WIDTH];
// #if ${WEIGHT}
  grad *= weight[gid.y];
// #endif
  grad_input[(at - params.grad_input_base) / WIDTH] = known.y * (grad - mean.x - normalised * mean.y);
// #else
  var result = normalised;
// #if ${WEIGHT}
  result *= weight[gid.y];
// #endif
// #if ${BIAS}
  result += bias[gid.y];
// #endif
// #if ${RELU}
  result = max(result, Element(0.0));
// #endif
  output[(at - params.output_base) / WIDTH] = StoredOutput(result);
// #endif
}
