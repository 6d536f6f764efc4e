// Counter-based uniform noise: the value depends only on the seed, the step, the voxel and the channel, never on how the
// work is cut.
//
//   output[n,c,v] = ((bits >> 9) + 0.5) * 2^-23 in (0, 1),   bits = pcg4d(voxel, c / 4, step, seed)[c % 4] (common/noise.wgsl)
//
// Mapping: one invocation makes four channels of a voxel; gid.x runs over the voxels of a plane, gid.y over groups of
// four channels, gid.z over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counter: array<u32, 2>; // seed, step
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/noise

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let uniforms = noise_of(vec4u(plane * params.area + gid.x, gid.y, counter[1], counter[0]));
  let first = 4u * gid.y;
  let to = (plane * params.channels + first) * params.area + gid.x - params.output_base;
  output[to] = uniforms.x;
  if (first + 1u < params.channels) { output[to + params.area] = uniforms.y; }
  if (first + 2u < params.channels) { output[to + 2u * params.area] = uniforms.z; }
  if (first + 3u < params.channels) { output[to + 3u * params.area] = uniforms.w; }
}
