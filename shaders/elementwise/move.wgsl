// Moves elements to the front of their buffer, or copies them to another.
//
//   output[i] = source[i + by]
//
// Source and target are two windows of one buffer that do not overlap; WebGPU lets a dispatch read and write the same
// buffer only if both bindings are writable.
// Mapping: one invocation per element.

struct Params {
  first: u32,
  by: u32,
  count: u32,
  source_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredSource = Element; // #stored source
@group(0) @binding(1) var<storage, read_write> source: array<StoredSource>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  output[i - params.output_base / WIDTH] = StoredOutput(Element(source[i + params.by - params.source_base / WIDTH]));
}
