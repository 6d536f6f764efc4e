// Element-wise arithmetic on two operands; one of them may be a number.
//
//   output = a + b,  a - b,  a * b  or  a / b,  by KIND
//
// With BROADCAST, each operand has its own strides, which are 0 along axes on which it is repeated. A position has one index
// for each of the output's five axes in memory order; extent1 to extent4 are the extents of the inner four.
// Mapping: one invocation per element.

const ADD = 0u;
const SUBTRACT = 1u;
const MULTIPLY = 2u;
const DIVIDE = 3u;
const KIND = 0u; // #set

struct Params {
  first: u32,
  count: u32,
  number: f32,
// #if ${BROADCAST}
  extent1: u32,
  extent2: u32,
  extent3: u32,
  extent4: u32,
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
  a_base: u32,
  b_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// #if ${NUMBER_LEFT}
// #else
@group(0) @binding(1) var<storage, read> a: array<Element>;
// #endif
// #if ${NUMBER_RIGHT}
// #else
@group(0) @binding(2) var<storage, read> b: array<Element>;
// #endif
@group(0) @binding(3) var<storage, read_write> output: array<Element>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
// #if ${BROADCAST}
  let i4 = i % params.extent4;
  let rows = i / params.extent4;
  let i3 = rows % params.extent3;
  let areas = rows / params.extent3;
  let i2 = areas % params.extent2;
  let blocks = areas / params.extent2;
  let i1 = blocks % params.extent1;
  let i0 = blocks / params.extent1;
  let a_at = i0 * params.a_stride0 + i1 * params.a_stride1 + i2 * params.a_stride2 + i3 * params.a_stride3 + i4 * params.a_stride4;
  let b_at = i0 * params.b_stride0 + i1 * params.b_stride1 + i2 * params.b_stride2 + i3 * params.b_stride3 + i4 * params.b_stride4;
// #else
  let a_at = i;
  let b_at = i;
// #endif
// #if ${NUMBER_LEFT}
  let left = Element(params.number);
// #else
  let left = a[a_at - params.a_base / WIDTH];
// #endif
// #if ${NUMBER_RIGHT}
  let right = Element(params.number);
// #else
  let right = b[b_at - params.b_base / WIDTH];
// #endif
  var result = left + right;
  if (KIND == SUBTRACT) { result = left - right; }
  if (KIND == MULTIPLY) { result = left * right; }
  if (KIND == DIVIDE) { result = left / right; }
  output[i - params.output_base / WIDTH] = result;
}
