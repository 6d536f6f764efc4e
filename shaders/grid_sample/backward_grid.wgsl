// Gradient of grid sampling with respect to the grid, for trilinear interpolation.
//
//   grad_grid[n,axis,o] = voxels per unit * sum_c grad_output[n,c,o] * d output[n,c,o] / d p[axis]
//
// At voxel centres the slope is that on the right. With `border`, it is 0 where p was clamped or lies on the outermost
// centres, as in PyTorch. With zeros outside, it is the outermost voxel's value within one voxel beyond these centres.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over planes.

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
  grad_output_base: u32,
  grad_grid_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grid: array<f32>;
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad_grid: array<f32>;

// #include common/trilinear
// #include common/grid_position

// d output / d position along an axis, from the difference of the neighbours and the value between them; per unit of the grid.
fn slope(place: Place, extent: u32, difference: f32, value: f32) -> f32 {
  let p = place.position;
  let last = f32(extent) - 1.0;
  let scale = 0.5 * select(f32(extent), last, params.align_corners == 1u);
  if (params.border == 1u) { return select(0.0, scale * difference, p > 0.0 && p < last); }
  if (p >= 0.0 && p < last) { return scale * difference; }
  return scale * (select(0.0, value, p >= -1.0 && p < 0.0) - select(0.0, value, p >= last && p < last + 1.0));
}

// input along x at the rows of four corners (z, y): low low, low high, high low, high high.
fn corners(planes: vec2u, channel: u32, y: Neighbours, x: u32) -> vec4f {
  let rows = (planes * params.channels + channel) * params.in_height;
  let at = vec4u(rows.x + y.low, rows.x + y.high, rows.y + y.low, rows.y + y.high) * params.in_width + x - params.input_base;
  return vec4f(input[at.x], input[at.y], input[at.z], input[at.w]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let area = params.out_height * params.out_width;
  if (gid.x >= area) { return; }
  let plane = params.first_plane + gid.y;
  let at = places_of(plane, gid.x);
  let z = at.z.between;
  let planes = plane / params.out_depth * params.in_depth + vec2u(z.low, z.high);
  let shares = vec3f(at.y.share * at.z.share, at.x.share * at.z.share, at.x.share * at.y.share);
  var sum = vec3f(0.0);
  for (var c = 0u; c < params.channels; c++) {
    let low = corners(planes, c, at.y.between, at.x.between.low);
    let high = corners(planes, c, at.y.between, at.x.between.high);
    // Along x, then y, then z: the value between, and the difference along each axis.
    let rows = (1.0 - at.x.between.fraction) * low + at.x.between.fraction * high;
    let rows_x = high - low;
    let value_low = mix_between(rows.x, rows.y, at.y.between);
    let value_high = mix_between(rows.z, rows.w, at.y.between);
    let value = mix_between(value_low, value_high, z);
    let d_x = mix_between(mix_between(rows_x.x, rows_x.y, at.y.between), mix_between(rows_x.z, rows_x.w, at.y.between), z);
    let d_y = mix_between(rows.y - rows.x, rows.w - rows.z, z);
    let slopes = vec3f(
      slope(at.x, params.in_width, d_x, value),
      slope(at.y, params.in_height, d_y, value),
      slope(at.z, params.in_depth, value_high - value_low, value),
    );
    sum += grad_output[(plane * params.channels + c) * area + gid.x - params.grad_output_base] * slopes;
  }
  let grad = shares * sum;
  let to = 3u * plane * area + gid.x - params.grad_grid_base;
  grad_grid[to] = grad.x;
  grad_grid[to + area] = grad.y;
  grad_grid[to + 2u * area] = grad.z;
}
