// The activation that a kernel applies to its result: 0 none, 1 ReLU, 2 sigmoid. It is a parameter rather than a flag, so
// that layers with different activations share a kernel. Needs common/math.

fn activate(x: vec4f, kind: u32) -> vec4f {
  if (kind == 1u) { return max(x, vec4f(0.0)); }
  if (kind == 2u) {
    return vec4f(1.0) / (vec4f(1.0) + vec4f(exp_exact(-x.x), exp_exact(-x.y), exp_exact(-x.z), exp_exact(-x.w)));
  }
  return x;
}
