// Gradient of nearest-neighbour upsampling by whole numbers: the sum over the copies of each voxel.
//
//   grad_input[n,c,z,y,x] = sum_{dz,dy,dx} grad_output[n,c,SCALE_D*z+dz,SCALE_H*y+dy,SCALE_W*x+dx]
//
// with each of dz, dy, dx from 0 to the scale of its axis minus 1.
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

const SCALE_D = 2u; // #set
const SCALE_H = 2u; // #set
const SCALE_W = 2u; // #set

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
  let width = SCALE_W * params.in_width;
  let area = SCALE_H * params.in_height * width;
  var sum = 0.0;
  for (var dz = 0u; dz < SCALE_D; dz++) {
    for (var dy = 0u; dy < SCALE_H; dy++) {
      let row = ((SCALE_D * plane + dz) * params.channels + gid.y) * area + (SCALE_H * y + dy) * width + SCALE_W * x
        - params.grad_output_base;
      var along = f32(grad_output[row]);
      for (var dx = 1u; dx < SCALE_W; dx++) { along += f32(grad_output[row + dx]); }
      sum += along;
    }
  }
  grad_input[(plane * params.channels + gid.y) * params.in_height * params.in_width + gid.x - params.grad_input_base] = StoredGradInput(sum);
}
