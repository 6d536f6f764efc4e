// Sums in fixed point of 64 bits, whose bits do not depend on the order of the terms as those of float sums do. The unit is a
// power of two, chosen so that `bits` bits hold the largest term; `largest` holds the bits of its magnitude.

// The unit is 2^-exponent_of(...).
fn exponent_of(largest_bits: u32) -> i32 {
  return clamp(params.bits + 126 - i32(largest_bits >> 23u), -126, 126);
}

fn power_of_two(exponent: i32) -> f32 {
  return bitcast<f32>(u32(exponent + 127) << 23u);
}
