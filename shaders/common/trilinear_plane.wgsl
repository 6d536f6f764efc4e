// Interpolation within a plane of `input`, [n*D+z][c][y][x], between the neighbours along both axes.

fn along_row(row: u32, x: Neighbours) -> f32 {
  return mix_between(input[row + x.low], input[row + x.high], x);
}

fn along_plane(plane: u32, channel: u32, y: Neighbours, x: Neighbours) -> f32 {
  let start = (plane * params.channels + channel) * params.in_height * params.in_width - params.input_base;
  return mix_between(along_row(start + y.low * params.in_width, x), along_row(start + y.high * params.in_width, x), y);
}
