// Gradient of softmax (or log-softmax) along an axis, computed from its output.
//
//   softmax:  grad_input[c] = output[c] * (grad_output[c] - sum_k grad_output[k] * output[k])
//   LOG:      grad_input[c] = grad_output[c] - exp(output[c]) * sum_k grad_output[k]
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
  output_base: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

const CHANNELS = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredOutput = f32; // #stored output
@group(0) @binding(1) var<storage, read> output: array<StoredOutput>;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
alias StoredGradInput = f32; // #stored grad_input
@group(0) @binding(3) var<storage, read_write> grad_input: array<StoredGradInput>;

// #include common/math
// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let line = params.first + index;
  let first = line / params.inner * params.channels * params.inner + line % params.inner;
  let source = first - params.output_base;
  let grad = first - params.grad_output_base;
  let to = first - params.grad_input_base;
// #if ${IN_REGISTERS}
  // #each CHANNELS let o$ = f32(output[source + $u * params.inner]);
  // #each CHANNELS let g$ = f32(grad_output[grad + $u * params.inner]);
  var sum = 0.0;
// #if ${LOG}
  // #each CHANNELS sum += g$;
  // #each CHANNELS grad_input[to + $u * params.inner] = StoredGradInput(g$ - exp_exact(o$) * sum);
// #else
  // #each CHANNELS sum += g$ * o$;
  // #each CHANNELS grad_input[to + $u * params.inner] = StoredGradInput(o$ * (g$ - sum));
// #endif
// #else
  var sum = 0.0;
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.inner;
// #if ${LOG}
    sum += f32(grad_output[grad + at]);
// #else
    sum += f32(grad_output[grad + at]) * f32(output[source + at]);
// #endif
  }
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.inner;
// #if ${LOG}
    let value = f32(grad_output[grad + at]) - exp_exact(f32(output[source + at])) * sum;
// #else
    let value = f32(output[source + at]) * (f32(grad_output[grad + at]) - sum);
// #endif
    grad_input[to + at] = StoredGradInput(value);
  }
// #endif
}
