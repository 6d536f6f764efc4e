// Trilinear upsampling by whole numbers s; the outer faces of both volumes coincide, as in PyTorch
// with align_corners=False.
//
//   output[n,c,o] = sum_{i in {a, a+1} per axis} weight(o, i) * input[n,c,i]
//   with the source position p = max(0, (o + 1/2) / s - 1/2), a = floor(p), weight(o, a+1) = p - a, weight(o, a) = 1 - (p - a)
//
// o and i are positions (z,y,x), weights are products over the axes; a+1 stays within the volume.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  scale_d: u32,
  scale_h: u32,
  scale_w: u32,
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/trilinear
// #include common/trilinear_plane

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let width = params.in_width * params.scale_w;
  let height = params.in_height * params.scale_h;
  let depth = params.in_depth * params.scale_d;
  if (gid.x >= height * width) { return; }
  let plane = params.first_plane + gid.z;
  let first = plane / depth * params.in_depth;
  let x = neighbours(gid.x % width, params.scale_w, params.in_width);
  let y = neighbours(gid.x / width, params.scale_h, params.in_height);
  let z = neighbours(plane % depth, params.scale_d, params.in_depth);
  output[(plane * params.channels + gid.y) * height * width + gid.x - params.output_base] =
    mix_between(along_plane(first + z.low, gid.y, y, x), along_plane(first + z.high, gid.y, y, x), z);
}
