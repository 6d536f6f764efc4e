// Gradient of nearest-neighbour upsampling by two: the sum over the eight voxels made from each.
//
//   grad_input[n,c,z,y,x] = sum over dz,dy,dx in {0,1} of grad_output[n,c,2z+dz,2y+dy,2x+dx]
//
// Mapping: one invocation per input voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_height: u32,
  in_width: u32,
  first_plane: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(1) var<storage, read> grad_output: array<StoredGradOutput>;
alias StoredGradInput = f32; // #stored grad_input
@group(0) @binding(2) var<storage, read_write> grad_input: array<StoredGradInput>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let y = gid.x / params.in_width;
  let x = gid.x % params.in_width;
  if (y >= params.in_height) { return; }
  let plane = params.first_plane + gid.z;
  let width = 2u * params.in_width;
  let area = 2u * params.in_height * width;
  var sum = 0.0;
  for (var i = 0u; i < 4u; i++) {
    let row = ((2u * plane + (i >> 1u)) * params.channels + gid.y) * area + (2u * y + (i & 1u)) * width + 2u * x;
    sum += f32(grad_output[row - params.grad_output_base]) + f32(grad_output[row + 1u - params.grad_output_base]);
  }
  grad_input[(plane * params.channels + gid.y) * params.in_height * params.in_width + gid.x - params.grad_input_base] = StoredGradInput(sum);
}
