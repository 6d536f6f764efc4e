// The windows o of a pooling along one axis that cover a voxel: o * stride <= at < o * stride + kernel.

// The first window that covers a position of the padded input: the least o with o * stride + kernel > at.
fn first_window(at: u32, kernel: u32, stride: u32) -> u32 {
  return select(0u, (at - kernel) / stride + 1u, at >= kernel);
}

// One past the last such window.
fn end_window(at: u32, stride: u32, extent: u32) -> u32 {
  return min(at / stride + 1u, extent);
}
