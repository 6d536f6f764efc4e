// Gradient of trilinear upsampling: each voxel gathers from the voxels in which it has a weight.
//
//   grad_input[n,c,i] = sum_o weight(o, i) * grad_output[n,c,o]     weights as in forward.wgsl
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per input voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  scale_d: u32,
  scale_h: u32,
  scale_w: u32,
  first_plane: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<f32>;

// #include common/trilinear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.in_height * params.in_width) { return; }
  let plane = params.first_plane + gid.z;
  let n = plane / params.in_depth;
  let z = plane % params.in_depth;
  let y = gid.x / params.in_width;
  let x = gid.x % params.in_width;
  let width = params.in_width * params.scale_w;
  let height = params.in_height * params.scale_h;
  let depth = params.in_depth * params.scale_d;
  let zs = shared_by(z, params.scale_d, params.in_depth);
  let ys = shared_by(y, params.scale_h, params.in_height);
  let xs = shared_by(x, params.scale_w, params.in_width);
  var sum = 0.0;
  for (var zo = zs.x; zo < zs.y; zo++) {
    let share_z = share_of(z, neighbours(zo, params.scale_d, params.in_depth));
    for (var yo = ys.x; yo < ys.y; yo++) {
      let share_zy = share_z * share_of(y, neighbours(yo, params.scale_h, params.in_height));
      let row = (((n * depth + zo) * params.channels + gid.y) * height + yo) * width - params.grad_output_base;
      var along = 0.0;
      for (var xo = xs.x; xo < xs.y; xo++) {
        along += share_of(x, neighbours(xo, params.scale_w, params.in_width)) * grad_output[row + xo];
      }
      sum += share_zy * along;
    }
  }
  let to = (plane * params.channels + gid.y) * params.in_height * params.in_width + gid.x;
  grad_input[to - params.grad_input_base] = sum;
}
