// The gradient that backward_weight.wgsl computes, for GPUs: with the same options, bricks of rows and the same partial sums.
//
//   grad_weight[co,ci,dz,dy,dx] = sum_{n,z,y,x} grad_output[n,co,z,y,x] * input[n,ci,z+dz-pz,y+dy-py,x+dx-px]
//
// Layout: volumes [n*D+z][c][y][x]; partials [brick][co][ci][dz][dy][dx], and after each brick's weights its bias [co].
// Mapping: a workgroup sums one brick (some rows of a plane, group.z) for one block of output channels (group.y); each
// invocation takes one (ci, plane of the input, dy), continued over group.x. One invocation behind them takes the bias, as
// if its input were 1 everywhere. All invocations read the same gradients, which a GPU loads once for a subgroup. Each keeps
// TILE_CO x KW sums in named registers: few enough for several subgroups to share a SIMD and hide the latency of memory. It
// goes along the rows four columns at a time, and the columns beside them are still in registers.
// Unrolled by src/ops/conv3d/unroll-backward-weight.ts.

struct Params {
  shifted_channels: u32,
  broadcast_channels: u32,
  with_bias: u32,     // 1, or 0 if this part adds no bias
  first_input: u32,   // index of the input's first channel among those of the weights
  weight_inputs: u32, // number of channels that the weights read
  columns: u32,       // partial sums of a brick
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  first_brick: u32,
  bricks_per_plane: u32,
  brick_extent: u32, // rows of a brick
  shifted_base: u32,
  broadcast_base: u32,
}

const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const TILE_CO = 1u; // #set
const LANES = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
// #if ${VECTOR}
// #if ${UPSAMPLED}
alias StoredShifted = vec2f; // #stored shifted
// #else
alias StoredShifted = vec4f; // #stored shifted
// #endif
alias StoredBroadcast = vec4f; // #stored broadcast
// #else
alias StoredShifted = f32; // #stored shifted
alias StoredBroadcast = f32; // #stored broadcast
// #endif
@group(0) @binding(1) var<storage, read> shifted: array<StoredShifted>;
@group(0) @binding(2) var<storage, read> broadcast: array<StoredBroadcast>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// #include common/weight_gradient

// The voxels of `shifted` under four columns, starting at row + x; `outside` where there are none. x wraps around below 0.
fn load_shifted(row: u32, x: u32, inside: bool, outside: f32) -> Voxels {
// #if ${VECTOR}
  // Rows are whole vec4s (coarse rows whole vec2s).
  let here = inside && x < shifted_width();
  return select(Voxels(outside), Voxels(shifted[(row + x) / VOXELS]), here);
// #else
  var values = Voxels(outside);
  for (var i = 0u; i < VOXELS; i++) {
    if (inside && x + i < shifted_width()) { values[i] = f32(shifted[row + x + i]); }
  }
  return values;
// #endif
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let brick = group.z;
  let block = group.y;
  let roles = params.shifted_channels * SHIFTED_PLANES * KH;
  let role = group.x * LANES + lane;
  if (role >= roles + params.with_bias) { return; }
  let is_bias = role == roles;
  let outside = f32(is_bias);
  let channel = role / (SHIFTED_PLANES * KH);
  let shifted_z = role / KH % SHIFTED_PLANES;
  let first_dy = role % KH;
  let area = params.height * params.width;
  let plane = params.first_plane + brick / params.bricks_per_plane;
  let first_row = brick % params.bricks_per_plane * params.brick_extent;
  let last_row = min(first_row + params.brick_extent, params.height);
  let broadcast_plane = (plane * params.broadcast_channels + block * TILE_CO) * area - params.broadcast_base;
  let z = plane % params.depth;
  // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
// #if ${UPSAMPLED}
  let coarse_z = (z + 2u * KD - KD / 2u) / 2u - KD + shifted_z; // floor((z - KD/2) / 2) + shifted_z
  let inside_z = coarse_z < params.depth / 2u;
  let shifted_plane = ((plane - z) / 2u + coarse_z) * params.shifted_channels * (area / 4u) + channel * (area / 4u) - params.shifted_base;
// #else
  let inside_z = z + shifted_z - KD / 2u < params.depth;
  let shifted_plane = ((plane + shifted_z - KD / 2u) * params.shifted_channels + channel) * area - params.shifted_base;
// #endif

  // #generate declare

  for (var y = first_row; y < last_row; y++) {
    let shifted_y = y + first_dy - KH / 2u;
    let inside = inside_z && !is_bias && shifted_y < params.height;
// #if ${UPSAMPLED}
    let shifted_row = shifted_plane + shifted_y / 2u * shifted_width();
// #else
    let shifted_row = shifted_plane + shifted_y * params.width;
// #endif
    let broadcast_row = broadcast_plane + y * params.width;
    // #generate start
    for (var x = 0u; x < params.width; x += 4u) {
      // #generate slide
      // #generate multiply
    }
  }

  let to = (params.first_brick + brick) * params.columns;
  if (is_bias) {
    // Every tap's sum is the same.
    let bias = to + params.columns - params.broadcast_channels + block * TILE_CO;
    // #generate store_bias
    return;
  }
// #if ${UPSAMPLED}
  // The taps of this plane are contiguous. The bounds are not constant, because drivers would unroll this long loop.
  let tap = i32(2u * coarse_z + KD / 2u) - i32(z);
  for (var dz = u32(max(tap, 0)); dz < u32(min(tap + 2, i32(KD))); dz++) {
    // #generate store
  }
// #else
  let dz = shifted_z;
  // #generate store
// #endif
}
