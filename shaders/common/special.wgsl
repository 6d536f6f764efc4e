// Variants of exp and log that stay accurate when exp(x) - 1 or log(1 + x) would cancel. Include common/math first.

// e^x - 1.
fn expm1_exact(x: f32) -> f32 {
  // Taylor to x^8/8!: the first term left out is below 2^-30 of the result.
  var p = 1.0 / 40320.0;
  p = fma(p, x, 1.0 / 5040.0);
  p = fma(p, x, 1.0 / 720.0);
  p = fma(p, x, 1.0 / 120.0);
  p = fma(p, x, 1.0 / 24.0);
  p = fma(p, x, 1.0 / 6.0);
  p = fma(p, x, 0.5);
  p = fma(p, x, 1.0);
  return select(exp_exact(x) - 1.0, p * x, abs(x) < 0.35);
}

// log(1 + x) for x in [0, 1].
fn log1p_exact(x: f32) -> f32 {
  // 2 artanh(s) with s = x / (2 + x) <= 1/3: the first term left out is below 2^-29 of the result.
  let s = x / (2.0 + x);
  let z = s * s;
  var p = 1.0 / 17.0;
  p = fma(p, z, 1.0 / 15.0);
  p = fma(p, z, 1.0 / 13.0);
  p = fma(p, z, 1.0 / 11.0);
  p = fma(p, z, 1.0 / 9.0);
  p = fma(p, z, 1.0 / 7.0);
  p = fma(p, z, 0.2);
  p = fma(p, z, 1.0 / 3.0);
  return 2.0 * fma(p * z, s, s);
}

// 1 / (1 + e^-x); 1 - sigmoid(x) is sigmoid(-x).
fn sigmoid(x: f32) -> f32 {
  let e = exp_exact(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// Distribution function of the standard normal, (1 + erf(x / sqrt(2))) / 2, to about 2e-7 relative, tails included.
// Its tail is e^(-x^2/2) t P(t) with t = 1 / (1 + |x| / sqrt(8)), the form of Schonfelder, "Chebyshev expansions for
// the error and related functions", Math. Comp. 32, 1978. P is the Chebyshev interpolant of degree 10, here in powers
// of 2 t - 1; it is within 1.2e-8 of the function.
fn normal_cdf(x: f32) -> f32 {
  let t = 1.0 / fma(abs(x), 0.35355339059, 1.0);
  let s = fma(2.0, t, -1.0);
  var p = 2.108059531e-05;
  p = fma(p, s, -1.830094044e-05);
  p = fma(p, s, -1.496913468e-04);
  p = fma(p, s, 2.153352490e-04);
  p = fma(p, s, 7.645785709e-04);
  p = fma(p, s, -1.621725963e-03);
  p = fma(p, s, -5.375813089e-03);
  p = fma(p, s, 9.110834716e-03);
  p = fma(p, s, 6.986786676e-02);
  p = fma(p, s, 0.1717901594);
  p = fma(p, s, 0.2553956785);
  let tail = exp_exact(-0.5 * x * x) * t * p;
  return select(tail, 1.0 - tail, x > 0.0);
}
