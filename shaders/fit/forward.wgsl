// Crops a volume, or pads it with zeros, at both ends of each axis. Each is the gradient of the other.
//
//   output[n,c,z,y,x] = input[n, c, z+start_depth, y+start_height, x+start_width] if that exists, else 0
//
// Mapping: one invocation per output voxel, or four of a row if the rows of both volumes are whole vec4s; gid.x over a plane's
// voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  start_depth: i32,
  start_height: i32,
  start_width: i32,
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let row_elements = params.out_width / WIDTH;
  let y = gid.x / row_elements;
  let x = gid.x % row_elements * WIDTH;
  if (y >= params.out_height) { return; }
  let plane = params.first_plane + gid.z;
  // A position before the first voxel wraps around to one far after the last.
  let from_z = u32(i32(plane % params.out_depth) + params.start_depth);
  let from_y = u32(i32(y) + params.start_height);
  let from_x = u32(i32(x) + params.start_width);
  var value = Element(0.0);
  if (from_z < params.in_depth && from_y < params.in_height && from_x < params.in_width) {
    let source = plane / params.out_depth * params.in_depth + from_z;
    let row = ((source * params.channels + gid.y) * params.in_height + from_y) * params.in_width;
    value = Element(input[(row + from_x - params.input_base) / WIDTH]);
  }
  let to = ((plane * params.channels + gid.y) * params.out_height + y) * params.out_width + x;
  output[(to - params.output_base) / WIDTH] = StoredOutput(value);
}
