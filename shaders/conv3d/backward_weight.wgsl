// Gradient of a 3-D convolution (stride 1, zero padding, odd kernel) with respect to its weights, for CPU drivers;
// backward_weight_rows.wgsl is its counterpart for GPUs.
//
//   grad_weight[co,ci,dz,dy,dx] = sum_{n,z,y,x} grad_output[n,co,z,y,x] * input[n,ci,z+dz-pz,y+dy-py,x+dx-px]
//
//   grad_bias[co] = sum_{n,z,y,x} grad_output[n,co,z,y,x]
//
// The volume is cut into bricks (some columns of one plane); reduce/columns.wgsl adds their partial sums.
// With UPSAMPLED, the input has half the resolution of the gradient and is read as if it were upsampled (nearest). Taps dz
// that read the same coarse plane have the same sum: it is computed once and stored for each.
// With TRANSPOSED, for few output channels, input and gradient swap roles and the sum runs over the input's voxels:
// grad_weight[co,ci,d] = sum_v input[ci,v] * grad_output[co,v-d].
//
// The input is called `shifted`, because each tap reads it at another position, and the gradient `broadcast`; TRANSPOSED
// swaps them.
//
// Layout: volumes [n*D+z][c][y][x]; partials [brick][co][ci][dz][dy][dx], and after each brick's weights its bias [co].
// Mapping: a workgroup sums one brick (group.z) for one block of output channels (group.y); each invocation takes one
// (ci, plane of the input, ROWS of the KH taps dy), continued over group.x. So all invocations need the same gradients, but
// each needs its own part of the input. Each keeps TILE_CO x ROWS x KW sums in named registers and goes down the plane four
// columns at a time: every row loads one row of the input, and the rows above are still in registers. Each lane of a
// subgroup reads the gradient of one channel, adds it to the bias and broadcasts it (without SUBGROUPS, each lane reads all
// of them).
// Unrolled by src/ops/conv3d/unroll-backward-weight.ts.

// #if ${SUBGROUPS}
enable subgroups;
// #endif

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
  brick_extent: u32, // columns of a brick, a multiple of 4
  shifted_base: u32,
  broadcast_base: u32,
}

const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const ROWS = 3u; // #set
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

// Voxel x of a row of `shifted`, 0 outside it; x wraps around below 0. Reads beyond a binding are harmless.
fn shifted_at(row: u32, x: u32, inside: bool) -> f32 {
  let at = row + x;
  let here = inside && x < shifted_width();
// #if ${VECTOR}
  return select(0.0, f32(shifted[at / VOXELS][at % VOXELS]), here);
// #else
  return select(0.0, f32(shifted[at]), here);
// #endif
}

// #if ${VECTOR}
// The voxels under four columns, starting at x. Rows are whole vec4s (coarse rows whole vec2s).
fn shifted_beneath(row: u32, x: u32, inside: bool) -> Voxels {
  return select(Voxels(0.0), Voxels(shifted[(row + x) / VOXELS]), inside);
}
// #endif

@compute @workgroup_size(LANES)
fn main(
// #if ${SUBGROUPS}
  @builtin(subgroup_invocation_id) sublane: u32,
// #endif
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let brick = group.z;
  let block = group.y;
  // Surplus lanes repeat the last lane's work and store nothing: subgroupBroadcast needs every lane of the subgroup.
  let roles = params.shifted_channels * SHIFTED_PLANES * (KH / ROWS);
  let role = min(group.x * LANES + lane, roles - 1u);
  let channel = role / (SHIFTED_PLANES * (KH / ROWS));
  let shifted_z = role / (KH / ROWS) % SHIFTED_PLANES;
  let first_dy = role % (KH / ROWS) * ROWS;
  let area = params.height * params.width;
  let plane = params.first_plane + brick / params.bricks_per_plane;
  let first_column = brick % params.bricks_per_plane * params.brick_extent;
  let last_column = min(first_column + params.brick_extent, params.width);
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

  for (var x = first_column; x < last_column; x += 4u) {
    // The rows of the input for row -1; the loop continues from there.
    for (var row = 0u; row + 1u < ROWS; row++) {
      let shifted_y = first_dy + row - KH / 2u;
      // #generate slide
    }
    for (var y = 0u; y < params.height; y++) {
      let shifted_y = y + first_dy + ROWS - 1u - KH / 2u;
      // #generate slide
      let broadcast_row = broadcast_plane + y * params.width;
      // #generate multiply
    }
  }

  let to = (params.first_brick + brick) * params.columns;
  if (params.with_bias != 0u && group.x == 0u) {
    let bias = to + params.columns - params.broadcast_channels + block * TILE_CO;
    // #generate store_bias
  }
  if (group.x * LANES + lane >= roles) { return; }
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
