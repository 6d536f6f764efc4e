// Average pooling; padding zeros count, as in PyTorch with count_include_pad=True.
//
//   output[n,c,o] = 1 / |kernel| * sum_t input[n,c, o*stride - padding + t]
//
// o is a position (z,y,x), t one of the positions of the kernel; the input is 0 outside.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  // #include common/pool_fields
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let y = gid.x / params.out_width;
  let x = gid.x % params.out_width;
  if (y >= params.out_height) { return; }
  let plane = params.first_plane + gid.z;
  let n = plane / params.out_depth;
  let z = plane % params.out_depth;
  var sum = 0.0;
  for (var dz = 0u; dz < params.kernel_d; dz++) {
    // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
    let zi = z * params.stride_d + dz - params.padding_d;
    if (zi >= params.in_depth) { continue; }
    for (var dy = 0u; dy < params.kernel_h; dy++) {
      let yi = y * params.stride_h + dy - params.padding_h;
      if (yi >= params.in_height) { continue; }
      let row = (((n * params.in_depth + zi) * params.channels + gid.y) * params.in_height + yi)
        * params.in_width - params.input_base;
      for (var dx = 0u; dx < params.kernel_w; dx++) {
        let xi = x * params.stride_w + dx - params.padding_w;
        if (xi < params.in_width) { sum += input[row + xi]; }
      }
    }
  }
  let to = (plane * params.channels + gid.y) * params.out_height * params.out_width + gid.x;
  output[to - params.output_base] = sum / f32(params.kernel_d * params.kernel_h * params.kernel_w);
}
