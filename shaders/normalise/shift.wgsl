// The first voxel of every group of channels of an image: statistics[group] = (its value, 0).
// Mapping: one invocation per group of an image, from `first` on.

struct Params {
  groups: u32,     // of an image
  group_size: u32, // numbers of a plane of a group
  image_size: u32, // numbers of an image
  first: u32,
  count: u32,
  input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> statistics: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.count) { return; }
  let group = params.first + gid.x;
  let at = group / params.groups * params.image_size + group % params.groups * params.group_size;
  statistics[group] = vec2f(input[at - params.input_base], 0.0);
}
