// Sums over all elements, a workgroup's share at a time; reduce/rows.wgsl adds the shares.
//
//   sum:      partials[group] = sum_i a[i]
//   DOT:      partials[group] = sum_i a[i] * b[i]
//   SQUARED:  partials[group] = sum_i (a[i] - b[i])^2
//
// Mapping: each invocation adds every 64th of the 1024 vec4s of its workgroup, then a fixed tree.

struct Params {
  count: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
// #if ${DOT}
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
// #elif ${SQUARED}
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
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
  let first = index * 1024u;
  let end = (params.count + 3u) / 4u;
  var sums = vec4f(0.0);
  for (var i = first + lane; i < min(first + 1024u, end); i += 64u) {
    // The last vec4 may reach beyond the end.
    let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.count);
// #if ${DOT}
    sums += select(vec4f(0.0), a[i] * b[i], inside);
// #elif ${SQUARED}
    let difference = a[i] - b[i];
    sums += select(vec4f(0.0), difference * difference, inside);
// #else
    sums += select(vec4f(0.0), a[i], inside);
// #endif
  }
  let total = workgroup_sum(sums.x + sums.y + sums.z + sums.w, lane);
  // The fold of a long dispatch into two dimensions may leave workgroups beyond the end.
  if (lane == 0u && first < end) { partials[params.first_group + index] = total; }
}
