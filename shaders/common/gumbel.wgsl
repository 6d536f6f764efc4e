// A standard Gumbel variate from a uniform variate in [0, 1); the small constants keep both logarithms finite.
fn gumbel(uniform_variate: f32) -> f32 {
  return -log_exact(-log_exact(uniform_variate + 1e-20) + 1e-20);
}
