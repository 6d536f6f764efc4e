// A number near those of every group of channels of an image: statistics[group] = (median of three voxels, 0).
//
// They lie apart in the first plane, so that a lone outlier among them does not count. More of them count in the variance, too.
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
  let at = group / params.groups * params.image_size + group % params.groups * params.group_size - params.input_base;
  let a = input[at];
  let b = input[at + params.group_size / 3u];
  let c = input[at + params.group_size / 2u];
  statistics[group] = vec2f(max(min(a, b), min(max(a, b), c)), 0.0);
}
