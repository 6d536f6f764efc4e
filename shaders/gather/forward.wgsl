// Positions along an axis, by their numbers.
//
//   output[outer][j][inner] = input[outer][indices[j]][inner],   NaN if there is no such position
//
// Mapping: one invocation per element of the output, elements [first, first + count).

struct Params {
  length: u32, // positions of the input
  taken: u32,  // indices
  inner: u32,
  first: u32,
  count: u32,
  missing: u32, // the bits of a NaN: WGSL has no constant for it
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
alias StoredOutput = f32; // #stored output
@group(0) @binding(3) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = linear_index(gid, groups);
  if (at >= params.count) { return; }
  let to = params.first + at;
  let row = to / params.inner;
  let index = indices[row % params.taken];
  var value = bitcast<f32>(params.missing);
  if (index < params.length) {
    let source = (row / params.taken * params.length + index) * params.inner + to % params.inner;
    value = f32(input[source - params.input_base]);
  }
  output[to - params.output_base] = StoredOutput(value);
}
