// The factor of global-norm clipping, as in torch.nn.utils.clip_grad_norm_:
//
//   output = min(1, max_norm / (sqrt(sum of squares) + 1e-6))
//
// Mapping: one workgroup of 64; squares holds the sum of squares of each parameter's gradient.

struct Params {
  count: u32,
  max_norm: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> squares: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.count; i += 64u) { sum += squares[i]; }
  let total = workgroup_sum(sum, lane);
  if (lane == 0u) { output[0] = min(1.0, params.max_norm / (sqrt(total) + 1e-6)); }
}
