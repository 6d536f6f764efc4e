// exp and log of math.wgsl for the elements of linear.wgsl.

fn exp_of(x: Element) -> Element {
// #if ${VECTOR}
  return vec4f(exp_exact(x.x), exp_exact(x.y), exp_exact(x.z), exp_exact(x.w));
// #else
  return exp_exact(x);
// #endif
}

fn log_of(x: Element) -> Element {
// #if ${VECTOR}
  return vec4f(log_exact(x.x), log_exact(x.y), log_exact(x.z), log_exact(x.w));
// #else
  return log_exact(x);
// #endif
}
