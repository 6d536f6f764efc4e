// Nearest-neighbour upsampling by two along every axis.
//
//   output[n,c,z,y,x] = input[n,c,z/2,y/2,x/2]
//
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_height: u32,
  in_width: u32,
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
  let width = 2u * params.in_width;
  let height = 2u * params.in_height;
  let y = gid.x / width;
  let x = gid.x % width;
  if (y >= height) { return; }
  let plane = params.first_plane + gid.z;
  let source = ((plane / 2u * params.channels + gid.y) * params.in_height + y / 2u) * params.in_width + x / 2u;
  let to = (plane * params.channels + gid.y) * height * width + gid.x;
  output[to - params.output_base] = StoredOutput(input[source - params.input_base]);
}
