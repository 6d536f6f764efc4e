// Gradient of max-pooling over any windows: each voxel gathers from the windows in which it is the first maximum.
//
//   grad_input[n,c,i] = sum_{o: winners[n,c,o] = i} grad_output[n,c,o]
//
// i and o are positions (z,y,x); only the windows that cover i are visited. `winners` holds the maximum's position
// (z*H + y)*W + x for each window; general_forward.wgsl computes it.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per input voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  // #include common/pool_fields
  grad_output_base: u32,
  winners_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read> winners: array<u32>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>;

// #include common/pool_windows

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let y = gid.x / params.in_width;
  let x = gid.x % params.in_width;
  if (y >= params.in_height) { return; }
  let plane = params.first_plane + gid.z;
  let n = plane / params.in_depth;
  let z = plane % params.in_depth;
  let last_z = end_window(z + params.padding_d, params.stride_d, params.out_depth);
  let last_y = end_window(y + params.padding_h, params.stride_h, params.out_height);
  let last_x = end_window(x + params.padding_w, params.stride_w, params.out_width);
  var sum = 0.0;
  for (var zo = first_window(z + params.padding_d, params.kernel_d, params.stride_d); zo < last_z; zo++) {
    for (var yo = first_window(y + params.padding_h, params.kernel_h, params.stride_h); yo < last_y; yo++) {
      let row = (((n * params.out_depth + zo) * params.channels + gid.y) * params.out_height + yo) * params.out_width;
      for (var xo = first_window(x + params.padding_w, params.kernel_w, params.stride_w); xo < last_x; xo++) {
        if (winners[row + xo - params.winners_base] == (z * params.in_height + y) * params.in_width + x) {
          sum += grad_output[row + xo - params.grad_output_base];
        }
      }
    }
  }
  let to = (plane * params.channels + gid.y) * params.in_height * params.in_width + gid.x;
  grad_input[to - params.grad_input_base] = sum;
}
