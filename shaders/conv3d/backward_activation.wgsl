// Gradient through the activation that a convolution ends in, from its output.
//
//   ReLU:    grad_input = grad_output where output > 0, else 0
//   sigmoid: grad_input = grad_output * output * (1 - output)
//
// Mapping: one invocation per four elements.

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> output: array<vec4f>;
@group(0) @binding(2) var<storage, read> grad_output: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<vec4f>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
  let value = output[i];
// #if ${SIGMOID}
  grad_input[i] = grad_output[i] * value * (1.0 - value);
// #else
  grad_input[i] = select(vec4f(0.0), grad_output[i], value > vec4f(0.0));
// #endif
}
