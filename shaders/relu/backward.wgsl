// Gradient of a ReLU, computed from its output.
//
//   grad_input = grad_output if output > 0, else 0
//
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  output_base: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredOutput = Element; // #stored output
@group(0) @binding(1) var<storage, read> output: array<StoredOutput>;
alias StoredGradOutput = Element; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
alias StoredGradInput = Element; // #stored grad_input
@group(0) @binding(3) var<storage, read_write> grad_input: array<StoredGradInput>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let value = Element(output[i - params.output_base / WIDTH]);
  let grad = Element(grad_output[i - params.grad_output_base / WIDTH]);
  grad_input[i - params.grad_input_base / WIDTH] = StoredGradInput(select(Element(0.0), grad, value > Element(0.0)));
}
