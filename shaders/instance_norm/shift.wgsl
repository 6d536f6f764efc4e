// The first voxel of every (n, c): statistics[n][c] = (input[n,c,0,0,0], 0). Mapping: one invocation per channel.

struct Params {
  channels: u32,
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
  if (gid.x >= params.channels) { return; }
  statistics[params.to + gid.x] = vec2f(input[params.source + gid.x * params.area - params.input_base], 0.0);
}
