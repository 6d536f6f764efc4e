// The grid at which an affine map samples a volume.
//
//   output[n,i,o] = theta[n,i,0] x + theta[n,i,1] y + theta[n,i,2] z + theta[n,i,3]
//
// x, y and z are the coordinates of voxel o in -1..1: scale times the voxel plus offset, along W, H and D.
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over planes.

struct Params {
  depth: u32,
  width: u32,
  area: u32,
  x_scale: f32,
  x_offset: f32,
  y_scale: f32,
  y_offset: f32,
  z_scale: f32,
  z_offset: f32,
  first_plane: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> theta: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.y;
  let x = f32(gid.x % params.width) * params.x_scale + params.x_offset;
  let y = f32(gid.x / params.width) * params.y_scale + params.y_offset;
  let z = f32(plane % params.depth) * params.z_scale + params.z_offset;
  for (var i = 0u; i < 3u; i++) {
    let row = 12u * (plane / params.depth) + 4u * i;
    let value = theta[row] * x + theta[row + 1u] * y + theta[row + 2u] * z + theta[row + 3u];
    output[(3u * plane + i) * params.area + gid.x - params.output_base] = value;
  }
}
