// Forbids the classes that the prior rules out.
//
//   output = logits - 1e12 if prior < threshold, else logits
//
// With LOG_PRIOR, logits + log(prior + least) takes the place of the logits.
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  threshold: f32,
  least: f32,
  logits_base: u32,
  prior_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredLogits = Element; // #stored logits
@group(0) @binding(1) var<storage, read> logits: array<StoredLogits>;
@group(0) @binding(2) var<storage, read> prior: array<Element>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(3) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear
// #if ${LOG_PRIOR}
// #include common/math
// #include common/element_math
// #endif
// #include common/within_prior

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let value = Element(logits[i - params.logits_base / WIDTH]);
  let probability = prior[i - params.prior_base / WIDTH];
// #if ${BACKWARD}
  // `logits` is bound to the incoming gradient here: none flows to classes that the prior rules out.
  output[i - params.output_base / WIDTH] = StoredOutput(select(value, Element(0.0), probability < Element(params.threshold)));
// #else
  output[i - params.output_base / WIDTH] = StoredOutput(within_prior(value, probability));
// #endif
}
