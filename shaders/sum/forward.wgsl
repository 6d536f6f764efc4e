// Sums over all elements, a workgroup's share at a time; reduce/rows.wgsl adds the shares.
//
//   sum:      partials[group] = sum_i a[i]
//   DOT:      partials[group] = sum_i a[i] * b[i]
//   SQUARED:  partials[group] = sum_i (a[i] - b[i])^2
//
// Mapping: each invocation adds every 64th of the 4096 elements of its workgroup, then a fixed tree.

struct Params {
  count: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
// #if ${DOT}
@group(0) @binding(2) var<storage, read> b: array<f32>;
// #elif ${SQUARED}
@group(0) @binding(2) var<storage, read> b: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let first = index * 4096u;
  var sum = 0.0;
  for (var i = first + lane; i < min(first + 4096u, params.count); i += 64u) {
// #if ${DOT}
    sum = fma(a[i], b[i], sum);
// #elif ${SQUARED}
    let difference = a[i] - b[i];
    sum = fma(difference, difference, sum);
// #else
    sum += a[i];
// #endif
  }
  let total = workgroup_sum(sum, lane);
  // The fold of a long dispatch into two dimensions may leave workgroups beyond the end.
  if (lane == 0u && first < params.count) { partials[params.first_group + index] = total; }
}
