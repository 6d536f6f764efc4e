// Where the i-th position of five axes lies in a value: `extents` are those of the inner four axes in memory, `strides` the
// value's along them, `outer_stride` along the outermost. A stride of 0 repeats the value along the axis.

fn offset_of(i: u32, extents: vec4u, outer_stride: u32, strides: vec4u) -> u32 {
  let rows = i / extents.w;
  let areas = rows / extents.z;
  let blocks = areas / extents.y;
  return blocks / extents.x * outer_stride + dot(vec4u(blocks, areas, rows, i) % extents, strides);
}
