// exp and log to about one unit in the last place, the same on every device.
//
// WGSL leaves both to the driver: log can be off by up to 70 % near 1, the tail of a Gumbel sample, and losses
// would differ between devices. Range reduction and polynomials as in FreeBSD's msun (e_logf.c, e_expf.c).

// Natural logarithm of a positive, normal number.
fn log_exact(x: f32) -> f32 {
  // m in [sqrt(1/2), sqrt(2)) and x = m * 2^k
  let shifted = bitcast<u32>(x) + (0x3f800000u - 0x3f3504f3u);
  let k = f32(i32(shifted >> 23u) - 127);
  let f = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0;
  let s = f / (2.0 + f);
  let z = s * s;
  let w = z * z;
  let r = z * (0.66666662693 + w * 0.28498786688) + w * (0.40000972152 + w * 0.24279078841);
  let half_square = 0.5 * f * f;
  return s * (half_square + r) + k * 9.0580006145e-06 - half_square + f + k * 6.9313812256e-01;
}

// e^x; 0 below -87 (where the result would be subnormal), finite above 88.
fn exp_exact(x: f32) -> f32 {
  let clamped = clamp(x, -87.0, 88.0);
  let k = round(clamped * 1.44269504089);
  let high = clamped - k * 0.693145751953125;
  let r = high - k * 1.42860682030941723212e-6;
  // Taylor to r^7/7!, |r| <= ln(2)/2: the first term left out is below 2^-27.
  var p = 1.0 / 5040.0;
  p = fma(p, r, 1.0 / 720.0);
  p = fma(p, r, 1.0 / 120.0);
  p = fma(p, r, 1.0 / 24.0);
  p = fma(p, r, 1.0 / 6.0);
  p = fma(p, r, 0.5);
  p = fma(p, r, 1.0);
  p = fma(p, r, 1.0);
  let scaled = p * bitcast<f32>(u32(i32(k) + 127) << 23u);
  return select(scaled, 0.0, x < -87.0);
}
