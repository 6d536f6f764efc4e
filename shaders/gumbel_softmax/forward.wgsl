// A sample of a categorical distribution at every voxel, by the Gumbel-softmax.
//
//   g[c] = -log(-log(noise[c] + 1e-20) + 1e-20),   y = softmax_c((logits[c] + g[c]) / tau)
//   output = y, or with HARD one-hot(argmax y), the first one in a tie
//
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  tau: f32,
  logits_base: u32,
  noise_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// #include common/math
// #include common/gumbel

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * params.channels * params.area + gid.x;
  let source = first - params.logits_base;
  let random = first - params.noise_base;
  let to = first - params.output_base;
  var largest = 0.0;
  var best = 0u;
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.area;
    let score = (logits[source + at] + gumbel(noise[random + at])) / params.tau;
    output[to + at] = score;
    if (c == 0u || score > largest) {
      largest = score;
      best = c;
    }
  }
// #if ${HARD}
  for (var c = 0u; c < params.channels; c++) { output[to + c * params.area] = select(0.0, 1.0, c == best); }
// #else
  var sum = 0.0;
  for (var c = 0u; c < params.channels; c++) { sum += exp_exact(output[to + c * params.area] - largest); }
  for (var c = 0u; c < params.channels; c++) {
    output[to + c * params.area] = exp_exact(output[to + c * params.area] - largest) / sum;
  }
// #endif
}
