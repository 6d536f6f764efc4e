// Samples a volume at the positions that a grid gives for each voxel of the output.
//
//   output[n,c,o] = share(p) * sum_i weight(clamp(p), i) * input[n,c,i],      p = position of grid[n,:,o]
//
// weight is the product over the axes of 1 - |p - i| where that is positive; with `nearest`, 1 for the voxel nearest to p. p
// is clamped to the centres of the voxels. share is 1 inside these and with `border`; with zeros outside, it is the product
// of 1 - |p - clamp(p)|, where positive.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per output voxel and all of its channels; gid.x over a plane's voxels, gid.y over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  align_corners: u32,
  border: u32,
  nearest: u32,
  first_plane: u32,
  input_base: u32,
  grid_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grid: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// #include common/trilinear
// #include common/trilinear_plane
// #include common/grid_position

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let area = params.out_height * params.out_width;
  if (gid.x >= area) { return; }
  let plane = params.first_plane + gid.y;
  let at = places_of(plane, gid.x);
  let share = at.x.share * at.y.share * at.z.share;
  let first = plane / params.out_depth * params.in_depth;
  for (var c = 0u; c < params.channels; c++) {
    var value = 0.0;
    if (share > 0.0) {
      let low = along_plane(first + at.z.between.low, c, at.y.between, at.x.between);
      let high = along_plane(first + at.z.between.high, c, at.y.between, at.x.between);
      value = share * mix_between(low, high, at.z.between);
    }
    output[(plane * params.channels + c) * area + gid.x - params.output_base] = value;
  }
}
