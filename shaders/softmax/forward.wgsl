// Softmax (or its logarithm) along an axis, the channels.
//
//   softmax:     output[c] = exp(input[c] - m) / s
//   LOG:         output[c] = input[c] - m - log(s),      m = max_c input[c],  s = sum_c exp(input[c] - m)
//
// In memory, a value is [outer][channel][inner].
// Mapping: one invocation per outer and inner position, of which the dispatch works on [first, first + count).
// With IN_REGISTERS, its channels are read once and kept in named registers (lines `#each`, repeated for every channel);
// without, their number is a parameter, so that the driver does not unroll the loops: lavapipe took long to compile 33 channels.

struct Params {
  channels: u32,
  inner: u32,
  first: u32,
  count: u32,
  input_base: u32,
  output_base: u32,
}

const CHANNELS = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = f32; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

// #include common/math
// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let line = params.first + index;
  let first = line / params.inner * params.channels * params.inner + line % params.inner;
  let source = first - params.input_base;
  let to = first - params.output_base;
// #if ${IN_REGISTERS}
  // #each CHANNELS let l$ = f32(input[source + $u * params.inner]);
  var largest = l0;
  // #each CHANNELS largest = max(largest, l$);
  var sum = 0.0;
  // #each CHANNELS let e$ = exp_exact(l$ - largest); sum += e$;
// #if ${LOG}
  let log_sum = log_exact(sum);
  // #each CHANNELS output[to + $u * params.inner] = StoredOutput(l$ - largest - log_sum);
// #else
  // #each CHANNELS output[to + $u * params.inner] = StoredOutput(e$ / sum);
// #endif
// #else
  var largest = f32(input[source]);
  for (var c = 1u; c < params.channels; c++) { largest = max(largest, f32(input[source + c * params.inner])); }
  var sum = 0.0;
  for (var c = 0u; c < params.channels; c++) { sum += exp_exact(f32(input[source + c * params.inner]) - largest); }
// #if ${LOG}
  let log_sum = log_exact(sum);
  for (var c = 0u; c < params.channels; c++) {
    output[to + c * params.inner] = StoredOutput(f32(input[source + c * params.inner]) - largest - log_sum);
  }
// #else
  for (var c = 0u; c < params.channels; c++) {
    output[to + c * params.inner] = StoredOutput(exp_exact(f32(input[source + c * params.inner]) - largest) / sum);
  }
// #endif
// #endif
}
