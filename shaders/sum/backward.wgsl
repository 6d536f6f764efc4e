// Gradients of the sums of sum/forward.wgsl with respect to a.
//
//   sum:      grad_a = grad_output
//   DOT:      grad_a = grad_output * b
//   SQUARED:  grad_a = grad_output * 2 * (a - b)
//
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
// #if ${SQUARED}
  a_base: u32,
  b_base: u32,
// #elif ${DOT}
  b_base: u32,
// #endif
  grad_a_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// #if ${SQUARED}
alias StoredA = Element; // #stored a
@group(0) @binding(1) var<storage, read> a: array<StoredA>;
alias StoredB = Element; // #stored b
@group(0) @binding(2) var<storage, read> b: array<StoredB>;
// #elif ${DOT}
alias StoredB = Element; // #stored b
@group(0) @binding(2) var<storage, read> b: array<StoredB>;
// #endif
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_a: array<Element>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let to = i - params.grad_a_base / WIDTH;
  let grad = grad_output[0];
// #if ${SQUARED}
  let difference = Element(a[i - params.a_base / WIDTH]) - Element(b[i - params.b_base / WIDTH]);
  grad_a[to] = 2.0 * grad * difference;
// #elif ${DOT}
  grad_a[to] = grad * Element(b[i - params.b_base / WIDTH]);
// #else
  grad_a[to] = Element(grad);
// #endif
}
