// Counter-based standard normal noise by the method of Box and Muller: the value depends only on the seed, the step, the
// stream, the voxel and the channel, never on how the work is cut.
//
//   output[n,c,v] = sqrt(-2 log(u)) cos(2 pi w)  or  ... sin(2 pi w)
//
// A pair of uniform variates u, w of common/noise.wgsl makes a pair of channels; the key is pcg4d(voxel, stream * 2^16 + c / 4,
// step, seed). Since u >= 2^-24, no number is beyond 5.77.
// Mapping: one invocation makes four channels of a voxel; gid.x runs over the voxels of a plane, gid.y over groups of
// four channels, gid.z over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  stream: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counter: array<u32, 2>; // seed, step
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/math
// #include common/circular
// #include common/noise

// (cos, sin) of 2 pi w: the quarter of the circle is exact, and so is what is left of w.
fn around(w: f32) -> vec2f {
  let quarter = round(4.0 * w);
  return circle(u32(quarter), 6.28318530718 * (w - 0.25 * quarter));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let u = noise_of(vec4u(plane * params.area + gid.x, (params.stream << 16u) + gid.y, counter[1], counter[0]));
  let normals = vec4f(sqrt(-2.0 * log_exact(u.x)) * around(u.y), sqrt(-2.0 * log_exact(u.z)) * around(u.w));
  let first = 4u * gid.y;
  let to = (plane * params.channels + first) * params.area + gid.x - params.output_base;
  output[to] = normals.x;
  if (first + 1u < params.channels) { output[to + params.area] = normals.y; }
  if (first + 2u < params.channels) { output[to + 2u * params.area] = normals.z; }
  if (first + 3u < params.channels) { output[to + 3u * params.area] = normals.w; }
}
