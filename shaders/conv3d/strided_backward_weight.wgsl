// Gradient of a convolution of any stride and padding with respect to its weights, brick by brick; reduce/columns.wgsl adds
// the bricks. A transposed convolution's is the same sum, with input and gradient in each other's place.
//
//   partials[brick][co][ci][t] = sum_{n,o in brick} grad_output[n,co,o] * input[n,ci,o*stride + t - padding]
//
// o is a position (z,y,x) of the gradient, t a tap (dz,dy,dx); the input is 0 outside. A brick is some columns of one plane
// of the gradient, or some whole planes.
//
// Layout: volumes [n*D+z][c][y][x]; partials [brick][co][ci][dz][dy][dx].
// Mapping: as in backward_weight.wgsl. A workgroup sums one brick (group.z) for one block of output channels (group.y);
// each invocation takes one (ci, dz, ROWS of the taps dy), continued over group.x, keeps TILE_CO x ROWS x kernel_w sums in
// named registers and goes down the plane four columns at a time. Each step loads `stride_h` new rows of the input; those
// that it shares with the step before are still in registers. Each lane of a subgroup reads the gradient of one channel and
// broadcasts it (without SUBGROUPS, each lane reads all of them).
// Unrolled by src/ops/conv3d/unroll-strided-backward-weight.ts.

// #if ${SUBGROUPS}
enable subgroups;
// #endif

struct Params {
  in_channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_channels: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  kernel_d: u32,
  kernel_h: u32,
  kernel_w: u32,
  stride_d: u32,
  stride_h: u32,
  stride_w: u32,
  padding_d: u32,
  padding_h: u32,
  padding_w: u32,
  planes: u32, // of the batch
  brick_planes: u32,
  brick_columns: u32, // a multiple of 4
  bricks_per_plane: u32,
  first_brick: u32,
  input_base: u32,
  grad_output_base: u32,
}

const ROWS = 1u; // #set
const TILE_CO = 1u; // #set
const LANES = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredGradOutput = Element; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// #include common/linear

// #include common/padded_row

// Four gradients starting at row + x, 0 after the end of the row.
fn load_gradients(row: u32, x: u32) -> vec4f {
// #if ${VECTOR}
  return vec4f(grad_output[(row + x) / 4u]);
// #else
  var values = vec4f(f32(grad_output[row + x]), 0.0, 0.0, 0.0);
  if (x + 1u < params.out_width) { values.y = f32(grad_output[row + x + 1u]); }
  if (x + 2u < params.out_width) { values.z = f32(grad_output[row + x + 2u]); }
  if (x + 3u < params.out_width) { values.w = f32(grad_output[row + x + 3u]); }
  return values;
// #endif
}

@compute @workgroup_size(LANES)
fn main(
// #if ${SUBGROUPS}
  @builtin(subgroup_invocation_id) sublane: u32,
// #endif
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let brick = params.first_brick + group.z;
  let block = group.y;
  // Surplus lanes repeat the last lane's work and store nothing: subgroupBroadcast needs every lane of the subgroup.
  let parts = params.kernel_h / ROWS;
  let roles = params.in_channels * params.kernel_d * parts;
  let role = min(group.x * LANES + lane, roles - 1u);
  let channel = role / (params.kernel_d * parts);
  let dz = role / parts % params.kernel_d;
  let first_dy = role % parts * ROWS;
  let in_area = params.in_height * params.in_width;
  let out_area = params.out_height * params.out_width;
  let first_plane = brick / params.bricks_per_plane * params.brick_planes;
  let last_plane = min(first_plane + params.brick_planes, params.planes);
  let first_column = brick % params.bricks_per_plane * params.brick_columns;
  let last_column = min(first_column + params.brick_columns, params.out_width);

  // #generate declare

  for (var plane = first_plane; plane < last_plane; plane++) {
    // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
    let zi = plane % params.out_depth * params.stride_d + dz - params.padding_d;
    let inside_z = zi < params.in_depth;
    let in_plane = ((plane / params.out_depth * params.in_depth + zi) * params.in_channels + channel) * in_area - params.input_base;
    let out_plane = (plane * params.out_channels + block * TILE_CO) * out_area - params.grad_output_base;
    for (var x = first_column; x < last_column; x += 4u) {
      let from_x = x * params.stride_w;
      // The rows that the first step shares with one before it.
      var from_y = first_dy - params.padding_h - params.stride_h;
      // #generate first
      for (var y = 0u; y < params.out_height; y++) {
        from_y += params.stride_h;
        // #generate slide
        let out_row = out_plane + y * params.out_width;
        // #generate multiply
      }
    }
  }

  if (group.x * LANES + lane >= roles) { return; }
  let taps = params.kernel_d * params.kernel_h * params.kernel_w;
  let size = params.in_channels * taps;
  let to = (brick * params.out_channels + block * TILE_CO) * size + channel * taps + (dz * params.kernel_h + first_dy) * params.kernel_w;
  // #generate store
}
