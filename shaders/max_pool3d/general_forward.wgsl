// Max-pooling over any windows; voxels outside the input never win.
//
//   output[n,c,o] = max_t input[n,c, o*stride - padding + t]
//
// o is a position (z,y,x), t one of the positions of the kernel. With WINNERS, the output is not the largest value but
// its position (z*H + y)*W + x in the volume, the first one in a tie.
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
// #if ${WINNERS}
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
// #else
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let y = gid.x / params.out_width;
  let x = gid.x % params.out_width;
  if (y >= params.out_height) { return; }
  let plane = params.first_plane + gid.z;
  let n = plane / params.out_depth;
  let z = plane % params.out_depth;
  var largest = 0.0;
  var winner = 0u;
  var found = false;
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
        if (xi >= params.in_width) { continue; }
        let value = input[row + xi];
        if (!found || value > largest) {
          largest = value;
          winner = (zi * params.in_height + yi) * params.in_width + xi;
          found = true;
        }
      }
    }
  }
  let to = (plane * params.channels + gid.y) * params.out_height * params.out_width + gid.x;
// #if ${WINNERS}
  output[to - params.output_base] = winner;
// #else
  output[to - params.output_base] = largest;
// #endif
}
