// Gradient of a 3-D convolution (stride 1, zero padding, odd kernel) with respect to its weights.
//
//   grad_weight[co,ci,dz,dy,dx] = sum_{n,z,y,x} grad_output[n,co,z,y,x] * input[n,ci,z+dz-pz,y+dy-py,x+dx-px]
//
// The volume is cut into bricks (some rows of one plane); reduce/columns.wgsl adds their partial sums.
// Layout: volumes [n*D+z][c][y][x]; partials [brick][co][ci][dz][dy][dx].
// Mapping: one invocation owns one (ci, dz, dy), so neighbours read different rows of the input but the same
// gradient, a scalar load; it holds TILE_CO x KW sums in named registers while it walks along x.
// workgroup.y is the block of output channels, workgroup.z the brick. Unrolled by src/ops/conv3d/tile.ts.

struct Params {
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  first_brick: u32,
  bricks_per_plane: u32,
  brick_rows: u32,
  input_base: u32,
  grad_output_base: u32,
}

const CI = 1u; // #set
const CO = 1u; // #set
const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const TILE_CO = 1u; // #set

override LANES: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(workgroup_id) group: vec3u) {
  let dy = gid.x % KH;
  let dz = gid.x / KH % KD;
  let ci = gid.x / (KH * KD);
  if (ci >= CI) { return; }
  let block = group.y;
  let area = params.height * params.width;
  let plane = params.first_plane + group.z / params.bricks_per_plane;
  let first_row = group.z % params.bricks_per_plane * params.brick_rows;
  let last_row = min(first_row + params.brick_rows, params.height);
  let zi = plane % params.depth + dz - KD / 2u;
  let inside_z = zi < params.depth;
  let input_plane = ((plane + dz - KD / 2u) * CI + ci) * area;

  // #generate declare

  for (var y = first_row; y < last_row; y++) {
    let yi = y + dy - KH / 2u;
    let inside = inside_z && yi < params.height;
    let row = select(params.input_base, input_plane + yi * params.width, inside) - params.input_base;
    let grad_row = (plane * CO + block * TILE_CO) * area + y * params.width - params.grad_output_base;
    // #generate start
    for (var x = 0u; x < params.width; x++) {
      // #generate multiply
    }
  }

  let to = (params.first_brick + group.z) * CO * CI * KD * KH * KW;
  // #generate store
}
