// The two source positions around an upsampled position along one axis.

struct Neighbours {
  low: u32,
  high: u32,
  fraction: f32, // of the way from low to high
}

// For position `at`, upsampled by `scale` with coinciding outer faces: p = max(0, (at + 1/2) / scale - 1/2), counted in
// whole units of 1 / (2 scale), so that only the fraction is rounded.
fn neighbours(at: u32, scale: u32, extent: u32) -> Neighbours {
  let p = max(2u * at + 1u, scale) - scale;
  let low = p / (2u * scale);
  return Neighbours(low, min(low + 1u, extent - 1u), f32(p % (2u * scale)) / f32(2u * scale));
}

fn mix_between(low: f32, high: f32, between: Neighbours) -> f32 {
  return (1.0 - between.fraction) * low + between.fraction * high;
}

// The weight of source position i in an upsampled position.
fn share_of(i: u32, between: Neighbours) -> f32 {
  return select(0.0, 1.0 - between.fraction, i == between.low) + select(0.0, between.fraction, i == between.high);
}

// The upsampled positions [x, y) in which source position i has a weight.
fn shared_by(i: u32, scale: u32, extent: u32) -> vec2u {
  let first = i * scale + (scale + 1u) / 2u;
  return vec2u(max(first, scale) - scale, min((i + 1u) * scale + scale / 2u, extent * scale));
}
