// The largest magnitude of a value, as the bits of a positive number, which are ordered like the numbers; NaN is above all.
//
//   largest = max(largest, max_i |grad_output[i]|)
//
// Mapping: one workgroup of 64 invocations per 1024 numbers.

struct Params {
  first: u32,
  count: u32,
  grad_output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read_write> largest: atomic<u32>;

var<workgroup> most: atomic<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * 1024u;
  var own = 0u;
  for (var i = first + lane; i < min(first + 1024u, params.count); i += 64u) {
    own = max(own, bitcast<u32>(grad_output[params.first + i - params.grad_output_base]) & 0x7fffffffu);
  }
  atomicMax(&most, own);
  workgroupBarrier();
  if (lane == 0u) { atomicMax(&largest, atomicLoad(&most)); }
}
