// What both kernels of a convolution's weight gradient need: the voxels under four columns, the gradients there, and the place
// of a sum.

// Planes of `shifted` that the taps of one plane read, and the voxels under four columns.
// #if ${UPSAMPLED}
const SHIFTED_PLANES = (KD + 1u) / 2u;
const VOXELS = 2u;
alias Voxels = vec2f;
// #else
const SHIFTED_PLANES = KD;
const VOXELS = 4u;
alias Voxels = vec4f;
// #endif

// Four voxels of `broadcast` from row + x on, zeros past the end of the row.
fn load_broadcast(row: u32, x: u32) -> vec4f {
// #if ${VECTOR}
  return vec4f(broadcast[(row + x) / 4u]);
// #else
  var values = vec4f(f32(broadcast[row + x]), 0.0, 0.0, 0.0);
  if (x + 1u < params.width) { values.y = f32(broadcast[row + x + 1u]); }
  if (x + 2u < params.width) { values.z = f32(broadcast[row + x + 2u]); }
  if (x + 3u < params.width) { values.w = f32(broadcast[row + x + 3u]); }
  return values;
// #endif
}

fn shifted_width() -> u32 {
// #if ${UPSAMPLED}
  return params.width / 2u;
// #else
  return params.width;
// #endif
}

// Index of the sum for this pair of channels and this offset.
fn entry(shifted_channel: u32, broadcast_channel: u32, dz: u32, dy: u32, dx: u32) -> u32 {
// #if ${TRANSPOSED}
  return (((shifted_channel * params.weight_inputs + broadcast_channel) * KD + KD - 1u - dz) * KH + KH - 1u - dy) * KW + KW - 1u - dx;
// #else
  return (((broadcast_channel * params.weight_inputs + params.first_input + shifted_channel) * KD + dz) * KH + dy) * KW + dx;
// #endif
}
