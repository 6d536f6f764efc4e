// Sine, or cosine with COSINE, of radians.
//
//   output = sin(input)  or  cos(input)
//
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Element>;
@group(0) @binding(2) var<storage, read_write> output: array<Element>;

// #include common/linear
// #include common/circular

// For |x| <= 8192: pi / 2 is subtracted in three parts, the first two of so few bits that their multiples are exact.
fn f(x: f32) -> f32 {
  let k = round(x * 0.636619772368);
  let r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
  let point = circle(bitcast<u32>(i32(k)), r);
// #if ${COSINE}
  return point.x;
// #else
  return point.y;
// #endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let x = input[i - params.input_base / WIDTH];
  let to = i - params.output_base / WIDTH;
// #if ${VECTOR}
  output[to] = vec4f(f(x.x), f(x.y), f(x.z), f(x.w));
// #else
  output[to] = f(x);
// #endif
}
