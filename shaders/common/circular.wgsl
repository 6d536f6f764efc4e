// Sine and cosine to about one unit in the last place of 1. WGSL allows its own an error of 2^-11.

// (cos, sin) of r + quarter pi / 2 for |r| <= pi / 4: polynomials of sinf and cosf in Cephes.
fn circle(quarter: u32, r: f32) -> vec2f {
  let z = r * r;
  let s = fma(fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1) * z, r, r);
  let c = fma(fma(fma(2.443315711810e-5, z, -1.388731625494e-3), z, 4.166664568299e-2), z * z, fma(-0.5, z, 1.0));
  let turned = select(vec2f(c, s), vec2f(-s, c), (quarter & 1u) == 1u);
  return select(turned, -turned, (quarter & 2u) == 2u);
}
