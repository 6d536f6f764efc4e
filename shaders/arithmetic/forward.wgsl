// Element-wise arithmetic and comparisons of two operands; one of them may be a number.
//
//   output = a + b,  a - b,  a * b,  a / b,  min(a, b),  max(a, b);  1 if a = b, a != b, a > b or a >= b, else 0,  by KIND
//
// The minimum and maximum are NaN if an operand is, which WGSL's own do not promise. SHARE_OF_MAXIMUM is the derivative of
// max(a, b) with respect to a: 1 if a > b, 1/2 if they are equal, else 0.
//
// With BROADCAST, each operand has its own strides, which are 0 along axes on which it is repeated. A position has one index
// for each of the output's five axes in memory order; extent1 to extent4 are the extents of the inner four.
// Mapping: one invocation per element.

const ADD = 0u;
const SUBTRACT = 1u;
const MULTIPLY = 2u;
const DIVIDE = 3u;
const MINIMUM = 4u;
const MAXIMUM = 5u;
const EQUAL = 6u;
const NOT_EQUAL = 7u;
const GREATER = 8u;
const GREATER_EQUAL = 9u;
const SHARE_OF_MAXIMUM = 10u;
const KIND = 0u; // #set

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
// #if ${A_NUMBER}
// #else
@group(0) @binding(1) var<storage, read> a: array<Element>;
// #endif
// #if ${B_NUMBER}
// #else
@group(0) @binding(2) var<storage, read> b: array<Element>;
// #endif
@group(0) @binding(3) var<storage, read_write> output: array<Element>;

// #include common/linear

// #if ${BROADCAST}
// #include common/five_axes
// #endif

// #if ${VECTOR}
alias Bits = vec4u;
// #else
alias Bits = u32;
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
// #if ${BROADCAST}
  let extents = vec4u(params.extent1, params.extent2, params.extent3, params.extent4);
  let a_at = offset_of(i, extents, params.a_stride0, vec4u(params.a_stride1, params.a_stride2, params.a_stride3, params.a_stride4));
  let b_at = offset_of(i, extents, params.b_stride0, vec4u(params.b_stride1, params.b_stride2, params.b_stride3, params.b_stride4));
// #else
  let a_at = i;
  let b_at = i;
// #endif
// #if ${A_NUMBER}
  let left = Element(params.a_number);
// #else
  let left = a[a_at - params.a_base / WIDTH];
// #endif
// #if ${B_NUMBER}
  let right = Element(params.b_number);
// #else
  let right = b[b_at - params.b_base / WIDTH];
// #endif
  // By its bits: some drivers take every number to equal itself.
  let is_nan = (bitcast<Bits>(right) & Bits(0x7fffffffu)) > Bits(0x7f800000u);
  let one = Element(1.0);
  let zero = Element(0.0);
  var result = left + right;
  switch KIND {
    case SUBTRACT: { result = left - right; }
    case MULTIPLY: { result = left * right; }
    case DIVIDE: { result = left / right; }
    case MINIMUM: { result = select(left, right, (right < left) | is_nan); }
    case MAXIMUM: { result = select(left, right, (right > left) | is_nan); }
    case EQUAL: { result = select(zero, one, left == right); }
    case NOT_EQUAL: { result = select(zero, one, left != right); }
    case GREATER: { result = select(zero, one, left > right); }
    case GREATER_EQUAL: { result = select(zero, one, left >= right); }
    case SHARE_OF_MAXIMUM: { result = 0.5 * (select(zero, one, left > right) + select(zero, one, left >= right)); }
    default: {}
  }
  output[i - params.output_base / WIDTH] = result;
}
