// Gradient of the MRF energy - sum_i sum_c posterior_i(c) m_i(c) with respect to the posterior. The message m is linear
// in the posterior, so the energy is a quadratic form and its gradient has two parts:
//
//   grad_posterior = - grad_energy * (message + adjoint)
//
// where adjoint is the transpose of the map posterior -> message, applied to the posterior.
// Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  message_base: u32,
  adjoint_base: u32,
  grad_posterior_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredMessage = Element; // #stored message
@group(0) @binding(1) var<storage, read> message: array<StoredMessage>;
alias StoredAdjoint = Element; // #stored adjoint
@group(0) @binding(2) var<storage, read> adjoint: array<StoredAdjoint>;
@group(0) @binding(3) var<storage, read> grad_energy: array<f32>;
alias StoredGradPosterior = Element; // #stored grad_posterior
@group(0) @binding(4) var<storage, read_write> grad_posterior: array<StoredGradPosterior>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let sum = Element(message[i - params.message_base / WIDTH]) + Element(adjoint[i - params.adjoint_base / WIDTH]);
  grad_posterior[i - params.grad_posterior_base / WIDTH] = StoredGradPosterior(-grad_energy[0] * sum);
}
