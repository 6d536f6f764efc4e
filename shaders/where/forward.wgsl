// Chooses between two operands, either of which may be a number.
//
//   output = a  where mask is not 0,  b  elsewhere
//
// With BROADCAST, each operand has its own strides: see arithmetic/forward.wgsl.
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  a_number: f32,
  b_number: f32,
// #if ${BROADCAST}
  extent1: u32,
  extent2: u32,
  extent3: u32,
  extent4: u32,
  mask_stride0: u32,
  mask_stride1: u32,
  mask_stride2: u32,
  mask_stride3: u32,
  mask_stride4: u32,
  a_stride0: u32,
  a_stride1: u32,
  a_stride2: u32,
  a_stride3: u32,
  a_stride4: u32,
  b_stride0: u32,
  b_stride1: u32,
  b_stride2: u32,
  b_stride3: u32,
  b_stride4: u32,
// #endif
  mask_base: u32,
  a_base: u32,
  b_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<Element>;
// #if ${A_NUMBER}
// #else
@group(0) @binding(2) var<storage, read> a: array<Element>;
// #endif
// #if ${B_NUMBER}
// #else
@group(0) @binding(3) var<storage, read> b: array<Element>;
// #endif
@group(0) @binding(4) var<storage, read_write> output: array<Element>;

// #include common/linear

// #if ${BROADCAST}
// #include common/five_axes
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
// #if ${BROADCAST}
  let extents = vec4u(params.extent1, params.extent2, params.extent3, params.extent4);
  let mask_strides = vec4u(params.mask_stride1, params.mask_stride2, params.mask_stride3, params.mask_stride4);
  let mask_at = offset_of(i, extents, params.mask_stride0, mask_strides);
  let a_at = offset_of(i, extents, params.a_stride0, vec4u(params.a_stride1, params.a_stride2, params.a_stride3, params.a_stride4));
  let b_at = offset_of(i, extents, params.b_stride0, vec4u(params.b_stride1, params.b_stride2, params.b_stride3, params.b_stride4));
// #else
  let mask_at = i;
  let a_at = i;
  let b_at = i;
// #endif
// #if ${A_NUMBER}
  let chosen = Element(params.a_number);
// #else
  let chosen = a[a_at - params.a_base / WIDTH];
// #endif
// #if ${B_NUMBER}
  let other = Element(params.b_number);
// #else
  let other = b[b_at - params.b_base / WIDTH];
// #endif
  output[i - params.output_base / WIDTH] = select(other, chosen, mask[mask_at - params.mask_base / WIDTH] != Element(0.0));
}
