// Reads of a row of `input` with its zero padding. `&` rather than `&&`, which would be a branch: SwiftShader takes forever to
// compile dozens of them.

// The input at row + x, or the zero padding; x wraps around below 0.
fn load(row: u32, x: u32, inside: bool) -> f32 {
  let here = inside & (x < params.in_width);
  let at = select(0u, row + x, here);
// #if ${VECTOR}
  return select(0.0, f32(input[at / 4u][at % 4u]), here);
// #else
  return select(0.0, f32(input[at]), here);
// #endif
}

// #if ${VECTOR}
// Four inputs starting at row + x. Rows are whole vec4s, so either all four are in the row or none is.
fn load4(row: u32, x: u32, inside: bool) -> vec4f {
  let here = inside & (x < params.in_width);
  return select(vec4f(0.0), vec4f(input[select(0u, row + x, here) / 4u]), here);
}
// #endif
