// Gradient of the Gumbel-softmax. Hard or soft, it is the gradient of y, which is recomputed from logits and noise.
//
//   y = softmax_c((logits[c] + g[c]) / tau),   grad_logits[c] = y[c] * (grad_output[c] - sum_k grad_output[k] y[k]) / tau
//
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  tau: f32,
  logits_base: u32,
  noise_base: u32,
  grad_output_base: u32,
  grad_logits_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_logits: array<f32>;

// #include common/math
// #include common/gumbel

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * params.channels * params.area + gid.x;
  let source = first - params.logits_base;
  let random = first - params.noise_base;
  let grad = first - params.grad_output_base;
  let to = first - params.grad_logits_base;
  var largest = 0.0;
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.area;
    let score = (logits[source + at] + gumbel(noise[random + at])) / params.tau;
    grad_logits[to + at] = score;
    largest = select(max(largest, score), score, c == 0u);
  }
  var sum = 0.0;
  var inner = 0.0;
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.area;
    let e = exp_exact(grad_logits[to + at] - largest);
    grad_logits[to + at] = e;
    sum += e;
    inner += e * grad_output[grad + at];
  }
  inner /= sum;
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.area;
    grad_logits[to + at] *= (grad_output[grad + at] - inner) / (sum * params.tau);
  }
}
