// output = max(input, 0). Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  output[i - params.output_base / WIDTH] = StoredOutput(max(Element(input[i - params.input_base / WIDTH]), Element(0.0)));
}
