// The class of the largest score, the first one in a tie: output[v] = argmax_k score[k,v], as u32.
//
// Each channel is a class, score[k] = l[k]; or, with PARTS, each class k owns the channels from starts[k] up to starts[k + 1]:
//
//   score[k,v] = log(sum_{c of k} exp(l[c,v]))
//
// so that the class is the one whose channels have the largest sum in softmax(l). l is the input or, with PRIOR, that among the
// channels that the prior allows, as support_mask/forward.wgsl computes it:
//
//   l[c,v] = input[c,v] - 1e12 if prior[c,v] < threshold, else input[c,v]
//
// With LOG_PRIOR, input + log(prior + least) takes the place of the input.
// Mapping: one invocation per voxel or, with VECTOR, per four neighbours; gid.x runs over those of a plane,
// gid.y over the planes of the slab.

struct Params {
  channels: u32,
  classes: u32,
  area: u32,
  first_plane: u32,
  threshold: f32,
  least: f32,
// #if ${PRIOR}
  prior_base: u32,
// #endif
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
// #if ${VECTOR}
@group(0) @binding(2) var<storage, read_write> output: array<vec4u>;
// #else
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
// #endif
// #if ${PRIOR}
@group(0) @binding(3) var<storage, read> prior: array<Element>;
// #endif
// #if ${PARTS}
@group(0) @binding(4) var<storage, read> starts: array<u32>;
// #endif

// #include common/linear
// #include common/math
// #include common/element_math
// #include common/choice
// #if ${PRIOR}
// #include common/within_prior
// #endif

// l of a channel; `at` is an index into the whole value.
fn logit(at: u32) -> Element {
  let value = Element(input[(at - params.input_base) / WIDTH]);
// #if ${PRIOR}
  return within_prior(value, prior[(at - params.prior_base) / WIDTH]);
// #else
  return value;
// #endif
}

// The score of a class; `first` is the index of the voxel's first channel.
fn score(first: u32, k: u32) -> Element {
// #if ${PARTS}
  let end = starts[k + 1u];
  let largest = logit(first + starts[k] * params.area);
  if (starts[k] + 1u == end) { return largest; }
  var sum = ExpSum(largest, Element(1.0));
  for (var c = starts[k] + 1u; c < end; c++) { sum = add_exp(sum, logit(first + c * params.area)); }
  return log_of_sum(sum);
// #else
  return logit(first + k * params.area);
// #endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x * WIDTH >= params.area) { return; }
  let plane = params.first_plane + gid.y;
  let first = plane * params.channels * params.area + gid.x * WIDTH;
  var best = Best(score(first, 0u), Classes(0u));
  for (var k = 1u; k < params.classes; k++) { best = better(best, score(first, k), k); }
  output[(plane * params.area + gid.x * WIDTH - params.output_base) / WIDTH] = best.k;
}
