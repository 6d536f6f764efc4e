// Copies a box of one value into a box of another; every axis has a stride in each. Reshaping, transposing, slicing, padding and
// concatenation are such copies.
//
//   output[out_start + sum_a c_a out_stride_a] = input[in_start + sum_a c_a in_stride_a],   0 <= c_a < extent_a
//
// With GAPS, the input's position along an axis is q_a = (c_a - low_a) / spacing_a rather than c_a. If q_a is not whole, or not in
// 0 <= q_a < length_a, for some axis, the output is `fill`.
// Strides wrap around: a negative one is its two's complement.
// Mapping: one invocation per element of the box, or per vec4 of its innermost axis, which is axis 0.

struct Params {
  count: u32,
  in_start: u32,
  out_start: u32,
  extent0: u32,
  extent1: u32,
  extent2: u32,
  extent3: u32,
  extent4: u32,
  extent5: u32,
  in_stride0: u32,
  in_stride1: u32,
  in_stride2: u32,
  in_stride3: u32,
  in_stride4: u32,
  in_stride5: u32,
  out_stride0: u32,
  out_stride1: u32,
  out_stride2: u32,
  out_stride3: u32,
  out_stride4: u32,
  out_stride5: u32,
// #if ${GAPS}
  low0: i32,
  low1: i32,
  low2: i32,
  low3: i32,
  low4: i32,
  low5: i32,
  spacing0: u32,
  spacing1: u32,
  spacing2: u32,
  spacing3: u32,
  spacing4: u32,
  spacing5: u32,
  length0: u32,
  length1: u32,
  length2: u32,
  length3: u32,
  length4: u32,
  length5: u32,
// #if ${UNSIGNED}
  fill: u32,
// #else
  fill: f32,
// #endif
// #endif
  input_base: u32,
  output_base: u32,
}

const AXES = 6u; // #set

@group(0) @binding(0) var<uniform> params: Params;
// #if ${UNSIGNED}
@group(0) @binding(1) var<storage, read> input: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
// #else
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;
// #endif

// #include common/linear

var<private> rest: u32;
var<private> source: u32;
var<private> place: u32;
var<private> inside = true;

// #if ${GAPS}
fn along(extent: u32, in_stride: u32, out_stride: u32, low: i32, spacing: u32, length: u32) {
  let at = rest % extent;
  // A position before the first one wraps around to one far after the last.
  let shifted = at - u32(low);
  let step = shifted / spacing;
  inside = inside && step * spacing == shifted && step < length;
  rest /= extent;
  source += step * in_stride;
  place += at * out_stride;
}
// #else
fn along(extent: u32, in_stride: u32, out_stride: u32) {
  let at = rest % extent;
  rest /= extent;
  source += at * in_stride;
  place += at * out_stride;
}
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  rest = linear_index(gid, groups);
  if (rest >= params.count) { return; }
  source = params.in_start - params.input_base;
  place = params.out_start - params.output_base;
// #if ${GAPS}
  // #each AXES along(params.extent$, params.in_stride$, params.out_stride$, params.low$, params.spacing$, params.length$);
// #if ${UNSIGNED}
  var value = params.fill;
  if (inside) { value = input[source]; }
  output[place] = value;
// #else
  var value = Element(params.fill);
  if (inside) { value = Element(input[source / WIDTH]); }
  output[place / WIDTH] = StoredOutput(value);
// #endif
// #else
  // #each AXES along(params.extent$, params.in_stride$, params.out_stride$);
// #if ${UNSIGNED}
  output[place] = input[source];
// #else
  output[place / WIDTH] = StoredOutput(Element(input[source / WIDTH]));
// #endif
// #endif
}
