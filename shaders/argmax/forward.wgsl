// The class of the largest channel, the first one in a tie: output[v] = argmax_c input[c,v], as u32.
//
// With PRIOR, among the classes that the prior allows, as support_mask/forward.wgsl does:
//
//   output[v] = argmax_c ( input[c,v] - 1e12 if prior[c,v] < threshold, else input[c,v] )
//
// With LOG_PRIOR, input + log(prior + least) takes the place of the input.
// Mapping: one invocation per voxel or, with VECTOR, per four neighbours; gid.x runs over those of a plane, gid.y over the planes of
// the slab.

struct Params {
  channels: u32,
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
alias Classes = vec4u;
@group(0) @binding(2) var<storage, read_write> output: array<vec4u>;
// #else
alias Classes = u32;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
// #endif
// #if ${PRIOR}
@group(0) @binding(3) var<storage, read> prior: array<Element>;
// #endif

// #include common/linear
// #if ${LOG_PRIOR}
// #include common/math
// #endif
// #if ${PRIOR}
// #include common/within_prior
// #endif

// What counts of a channel; `at` is an index into the whole value.
fn score(at: u32) -> Element {
  let value = Element(input[(at - params.input_base) / WIDTH]);
// #if ${PRIOR}
  return within_prior(value, prior[(at - params.prior_base) / WIDTH]);
// #else
  return value;
// #endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x * WIDTH >= params.area) { return; }
  let plane = params.first_plane + gid.y;
  let first = plane * params.channels * params.area + gid.x * WIDTH;
  var best = Classes(0u);
  var largest = score(first);
  for (var c = 1u; c < params.channels; c++) {
    let value = score(first + c * params.area);
    let larger = value > largest;
    best = select(best, Classes(c), larger);
    largest = select(largest, value, larger);
  }
  output[(plane * params.area + gid.x * WIDTH - params.output_base) / WIDTH] = best;
}
