// Sets words to 0: output[i] = 0. Mapping: one invocation per word.

struct Params {
  first: u32,
  count: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index < params.count) { output[params.first + index - params.output_base] = 0u; }
}
