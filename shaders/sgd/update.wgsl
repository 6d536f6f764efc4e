// One step of gradient descent for one parameter, as in torch.optim.SGD.
//
//   g = clip * grad + weight_decay * p
//   b = momentum * b + g
//   p = p - lr * b; with Nesterov momentum p - lr * (g + momentum * b); without momentum p - lr * g
//
// Mapping: one invocation per element.

struct Params {
  count: u32,
  weight_decay: f32,
// #if ${MOMENTUM}
  momentum: f32,
// #endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> schedule: array<f32, 1>; // lr
@group(0) @binding(2) var<storage, read> grad: array<f32>;
// #if ${CLIP}
@group(0) @binding(3) var<storage, read> clip: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> parameter: array<f32>;
// #if ${MOMENTUM}
@group(0) @binding(5) var<storage, read_write> momentum_buffer: array<f32>;
// #endif

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
  var g = grad[i];
// #if ${CLIP}
  g *= clip[0];
// #endif
  g += params.weight_decay * parameter[i];
// #if ${MOMENTUM}
  let b = params.momentum * momentum_buffer[i] + g;
  momentum_buffer[i] = b;
// #if ${NESTEROV}
  g += params.momentum * b;
// #else
  g = b;
// #endif
// #endif
  parameter[i] -= schedule[0] * g;
}
