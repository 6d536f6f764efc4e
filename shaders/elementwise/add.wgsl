// output = a + b. Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  a_base: u32,
  b_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredA = Element; // #stored a
@group(0) @binding(1) var<storage, read> a: array<StoredA>;
alias StoredB = Element; // #stored b
@group(0) @binding(2) var<storage, read> b: array<StoredB>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(3) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  output[i - params.output_base / WIDTH] =
    StoredOutput(Element(a[i - params.a_base / WIDTH]) + Element(b[i - params.b_base / WIDTH]));
}
