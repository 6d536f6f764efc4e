// Crops a volume, or pads it with zeros, at the high end of each axis. The gradient of one is the other.
//
//   output[n,c,z,y,x] = input[n,c,z,y,x] where that exists, else 0
//
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
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
  let y = gid.x / params.out_width;
  let x = gid.x % params.out_width;
  if (y >= params.out_height) { return; }
  let plane = params.first_plane + gid.z;
  let z = plane % params.out_depth;
  var value = 0.0;
  if (z < params.in_depth && y < params.in_height && x < params.in_width) {
    let source = plane / params.out_depth * params.in_depth + z;
    let row = ((source * params.channels + gid.y) * params.in_height + y) * params.in_width;
    value = f32(input[row + x - params.input_base]);
  }
  let to = ((plane * params.channels + gid.y) * params.out_height + y) * params.out_width + x;
  output[to - params.output_base] = StoredOutput(value);
}
