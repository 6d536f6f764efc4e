// Kullback-Leibler divergence of a posterior from a prior, summed over a workgroup's voxels.
//
//   partials[group] = sum_voxel sum_c pi[c] * (log pi[c] - log p[c]),
//   pi = exp(log_posterior),   p[c] = (prior[c] + 1e-12) / sum_k (prior[k] + 1e-12)
//
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  groups: u32,
  log_posterior_base: u32,
  prior_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> log_posterior: array<f32>;
@group(0) @binding(2) var<storage, read> prior: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// #include common/math
// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var divergence = 0.0;
  if (gid.x < params.area) {
    let first = (params.first_plane + gid.y) * params.channels * params.area + gid.x;
    let source = first - params.log_posterior_base;
    let known = first - params.prior_base;
    var mass = 0.0;
    for (var c = 0u; c < params.channels; c++) { mass += prior[known + c * params.area] + 1e-12; }
    let log_mass = log_exact(mass);
    for (var c = 0u; c < params.channels; c++) {
      let log_pi = log_posterior[source + c * params.area];
      divergence += exp_exact(log_pi) * (log_pi - log_exact(prior[known + c * params.area] + 1e-12) + log_mass);
    }
  }
  let total = workgroup_sum(divergence, lane);
  if (lane == 0u) { partials[(params.first_plane + group.y) * params.groups + group.x] = total; }
}
