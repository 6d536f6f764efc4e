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
// #if ${UNSIGNED}
// #if ${VECTOR}
@group(0) @binding(1) var<storage, read_write> source: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4u>;
// #else
@group(0) @binding(1) var<storage, read_write> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
// #endif
// #else
alias StoredSource = Element; // #stored source
@group(0) @binding(1) var<storage, read_write> source: array<StoredSource>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;
// #endif

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let at = i + params.by - params.source_base / WIDTH;
  let to = i - params.output_base / WIDTH;
// #if ${UNSIGNED}
  output[to] = source[at];
// #else
  output[to] = StoredOutput(Element(source[at]));
// #endif
}
