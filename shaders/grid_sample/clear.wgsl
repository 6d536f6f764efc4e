// Sets words to 0: output[i] = 0. Mapping: one invocation per word.

struct Params {
  first: u32,
  count: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  // A dispatch with more workgroups than fit into one dimension is folded into two.
  let index = gid.y * groups.x * 64u + gid.x;
  if (index < params.count) { output[params.first + index - params.output_base] = 0u; }
}
