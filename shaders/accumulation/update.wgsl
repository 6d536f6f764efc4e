// Adds to a sum in place.
//
//   sum = sum + term;  with RESET, sum = 0
//
// Mapping: one invocation per number.

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> sum: array<f32>;
// #if ${RESET}
// #else
@group(0) @binding(2) var<storage, read> term: array<f32>;
// #endif

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
// #if ${RESET}
  sum[i] = 0.0;
// #else
  sum[i] += term[i];
// #endif
}
