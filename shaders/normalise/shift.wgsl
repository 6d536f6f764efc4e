// The first voxel of every group of channels of an image: statistics[group] = (its value, 0).
// Mapping: one invocation per group.

struct Params {
  groups: u32,
  group_channels: u32,
  area: u32,
  to: u32,
  source: u32,
  input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> statistics: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.groups) { return; }
  let at = params.source + gid.x * params.group_channels * params.area;
  statistics[params.to + gid.x] = vec2f(input[at - params.input_base], 0.0);
}
