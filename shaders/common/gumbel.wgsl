// A standard exponential variate from a uniform variate in [0, 1); the small constants keep it positive and its logarithm finite.
fn waiting_time(uniform_variate: f32) -> f32 {
  return -log_exact(uniform_variate + 1e-20) + 1e-20;
}

// A standard Gumbel variate from a uniform variate in [0, 1).
fn gumbel(uniform_variate: f32) -> f32 {
  return -log_exact(waiting_time(uniform_variate));
}
