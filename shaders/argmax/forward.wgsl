// The class of the largest channel, the first one in a tie: output[v] = argmax_c input[c,v], as u32.
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.y;
  let source = plane * params.channels * params.area + gid.x - params.input_base;
  var best = 0u;
  var largest = f32(input[source]);
  for (var c = 1u; c < params.channels; c++) {
    let value = f32(input[source + c * params.area]);
    if (value > largest) {
      largest = value;
      best = c;
    }
  }
  output[plane * params.area + gid.x - params.output_base] = best;
}
