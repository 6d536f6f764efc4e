// The activation that a convolution applies to its result: 0 none, 1 ReLU, 2 sigmoid. It is a parameter rather than a
// flag, so that layers with and without a ReLU share a kernel. Only the sigmoid also has a flag, SIGMOID: a CPU driver takes
// as long to compile it as the rest of the kernel. Include common/math first.

fn activate(x: f32, kind: u32) -> f32 {
  if (kind == 1u) { return max(x, 0.0); }
// #if ${SIGMOID}
  if (kind == 2u) { return 1.0 / (1.0 + exp_exact(-x)); }
// #endif
  return x;
}

// The same for four results.
fn activate4(x: vec4f, kind: u32) -> vec4f {
  if (kind == 1u) { return max(x, vec4f(0.0)); }
// #if ${SIGMOID}
  if (kind == 2u) {
    return vec4f(1.0) / (vec4f(1.0) + vec4f(exp_exact(-x.x), exp_exact(-x.y), exp_exact(-x.z), exp_exact(-x.w)));
  }
// #endif
  return x;
}
