// Samples a volume at the positions that an affine map takes the voxels of the output to.
//
//   output[n,c,o] = sum_i weight(p, i) * input[n,c,i],      p = map[n] (o, 1)
//
// o and i are voxels (z,y,x). weight is the product over the axes of 1 - |p - i| where that is positive, p clamped to the
// centres of the voxels; it is 0 if p lies more than half a voxel outside. With `nearest`, 1 for the nearest voxel.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  nearest: u32,
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> voxel_map: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// #include common/trilinear
// #include common/trilinear_plane
// #include common/affine_map

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let area = params.out_height * params.out_width;
  if (gid.x >= area) { return; }
  let plane = params.first_plane + gid.z;
  let n = plane / params.out_depth;
  let extents = vec3u(params.in_depth, params.in_height, params.in_width);
  let p = mapped(n, vec3u(plane % params.out_depth, gid.x / params.out_width, gid.x % params.out_width));
  var value = 0.0;
  if (is_inside(p, extents)) {
    let nearest = params.nearest == 1u;
    let z = neighbours_at(p.x, extents.x, nearest);
    let y = neighbours_at(p.y, extents.y, nearest);
    let x = neighbours_at(p.z, extents.z, nearest);
    let first = n * params.in_depth;
    value = mix_between(along_plane(first + z.low, gid.y, y, x), along_plane(first + z.high, gid.y, y, x), z);
  }
  output[(plane * params.channels + gid.y) * area + gid.x - params.output_base] = value;
}
