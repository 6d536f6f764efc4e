// Max-pooling over 2x2x2 with stride 2; an odd last plane, row or column is dropped (as in PyTorch).
//
//   output[n,c,z,y,x] = max over dz,dy,dx in {0,1} of input[n,c,2z+dz,2y+dy,2x+dx]
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
  let in_area = params.in_height * params.in_width;
  let first = plane / params.out_depth * params.in_depth + plane % params.out_depth * 2u;
  let at = (first * params.channels + gid.y) * in_area + 2u * y * params.in_width + 2u * x - params.input_base;
  let below = params.channels * in_area;
  let w = params.in_width;
  let near = max(max(input[at], input[at + 1u]), max(input[at + w], input[at + w + 1u]));
  let far = max(max(input[at + below], input[at + below + 1u]), max(input[at + below + w], input[at + below + w + 1u]));
  output[(plane * params.channels + gid.y) * params.out_height * params.out_width + gid.x - params.output_base] =
    StoredOutput(max(near, far));
}
