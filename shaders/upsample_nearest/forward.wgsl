// Nearest-neighbour upsampling by whole numbers, one per axis.
//
//   output[n,c,z,y,x] = input[n,c,z/SCALE_D,y/SCALE_H,x/SCALE_W]
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

const SCALE_D = 2u; // #set
const SCALE_H = 2u; // #set
const SCALE_W = 2u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = f32; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let width = SCALE_W * params.in_width;
  let height = SCALE_H * params.in_height;
  let y = gid.x / width;
  let x = gid.x % width;
  if (y >= height) { return; }
  let plane = params.first_plane + gid.z;
  let source = ((plane / SCALE_D * params.channels + gid.y) * params.in_height + y / SCALE_H) * params.in_width + x / SCALE_W;
  let to = (plane * params.channels + gid.y) * height * width + gid.x;
  output[to - params.output_base] = StoredOutput(input[source - params.input_base]);
}
