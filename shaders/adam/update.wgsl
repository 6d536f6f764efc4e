// One step of Adam (Kingma and Ba 2015) for one parameter, as in torch.optim.Adam and AdamW.
//
//   g = clip * grad + weight_decay * p
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   p = decay * p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
//
// AMSGrad (Reddi et al. 2018) divides by the largest v so far. decay is 1 - lr * (weight decay) for AdamW, 1 for Adam.
//
// Mapping: one invocation per element.

struct Params {
  count: u32,
  beta1: f32,
  beta2: f32,
  complement1: f32, // 1 - beta1 and 1 - beta2, subtracted in double precision:
  complement2: f32, // 1.0 - f32(0.999) is off by 1e-5
  epsilon: f32,
  weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> schedule: array<f32, 3>; // lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), decay
@group(0) @binding(2) var<storage, read> grad: array<f32>;
// #if ${CLIP}
@group(0) @binding(3) var<storage, read> clip: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> parameter: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_moment: array<f32>;
// #if ${AMSGRAD}
@group(0) @binding(7) var<storage, read_write> largest_second_moment: array<f32>;
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
  let m = params.beta1 * first_moment[i] + params.complement1 * g;
  var v = params.beta2 * second_moment[i] + params.complement2 * g * g;
  first_moment[i] = m;
  second_moment[i] = v;
// #if ${AMSGRAD}
  v = max(v, largest_second_moment[i]);
  largest_second_moment[i] = v;
// #endif
  parameter[i] = schedule[2] * parameter[i] - schedule[0] * m / (sqrt(v) * schedule[1] + params.epsilon);
}
