// Gradient of the Kullback-Leibler divergence with respect to the logarithm of the posterior.
//
//   grad_log_posterior[c] = grad_output * pi[c] * (log pi[c] - log p[c] + 1)
//
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  log_posterior_base: u32,
  prior_base: u32,
  grad_log_posterior_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_posterior: array<f32>;
@group(0) @binding(2) var<storage, read> prior: array<f32>;
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_log_posterior: array<f32>;

// #include common/math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * params.channels * params.area + gid.x;
  let source = first - params.log_posterior_base;
  let known = first - params.prior_base;
  let to = first - params.grad_log_posterior_base;
  var mass = 0.0;
  for (var c = 0u; c < params.channels; c++) { mass += prior[known + c * params.area] + 1e-12; }
  let log_mass = log_exact(mass);
  for (var c = 0u; c < params.channels; c++) {
    let at = c * params.area;
    let log_pi = log_posterior[source + at];
    let ratio = log_pi - log_exact(prior[known + at] + 1e-12) + log_mass;
    grad_log_posterior[to + at] = grad_output[0] * exp_exact(log_pi) * (ratio + 1.0);
  }
}
