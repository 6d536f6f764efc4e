// Copies a range of channels from one volume into another: concatenation forward, slicing backward.
//
//   output[n, output_channel + c, v] = input[n, input_channel + c, v],   c < count
//
// Mapping: one invocation per voxel and channel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  area: u32,
  input_channels: u32,
  input_channel: u32,
  output_channels: u32,
  output_channel: u32,
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = f32; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let source = (plane * params.input_channels + params.input_channel + gid.y) * params.area + gid.x;
  let to = (plane * params.output_channels + params.output_channel + gid.y) * params.area + gid.x;
  output[to - params.output_base] = StoredOutput(input[source - params.input_base]);
}
