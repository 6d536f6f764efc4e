// Powers with one exponent for all elements.
//
//   output = input^n;  NaN if input < 0 and n is not whole
//
// Small whole powers are products; others, e^(n log(input)), are off by about 1e-7 (1 + |n log(input)|) of the result.
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  exponent: f32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Element>;
@group(0) @binding(2) var<storage, read_write> output: array<Element>;

// #include common/linear
// #include common/math

fn power(x: f32) -> f32 {
  let n = params.exponent;
  let is_whole = n == round(n);
  if (is_whole && abs(n) <= 16.0) {
    var product = 1.0;
    var square = x;
    for (var bits = u32(abs(n)); bits > 0u; bits >>= 1u) {
      if ((bits & 1u) == 1u) { product *= square; }
      square *= square;
    }
    return select(product, 1.0 / product, n < 0.0);
  }
  if (x == 0.0) { return select(0.0, 1.0 / abs(x), n < 0.0); }
  let magnitude = exp_exact(n * log_exact(abs(x)));
  if (x > 0.0) { return magnitude; }
  if (is_whole) { return select(magnitude, -magnitude, abs(n) % 2.0 == 1.0); }
  return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let x = input[i - params.input_base / WIDTH];
  let to = i - params.output_base / WIDTH;
// #if ${VECTOR}
  output[to] = vec4f(power(x.x), power(x.y), power(x.z), power(x.w));
// #else
  output[to] = power(x);
// #endif
}
