// Gradients of the sums of sum/forward.wgsl with respect to a.
//
//   sum:      grad_a = grad_output
//   DOT:      grad_a = grad_output * b
//   SQUARED:  grad_a = grad_output * 2 * (a - b)
//
// Mapping: one invocation per four elements.

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// #if ${SQUARED}
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
// #elif ${DOT}
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
// #endif
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_a: array<vec4f>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
  let grad = grad_output[0];
// #if ${SQUARED}
  grad_a[i] = 2.0 * grad * (a[i] - b[i]);
// #elif ${DOT}
  grad_a[i] = grad * b[i];
// #else
  grad_a[i] = vec4f(grad);
// #endif
}
