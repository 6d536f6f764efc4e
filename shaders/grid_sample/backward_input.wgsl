// Gradient of grid sampling with respect to the input: each output adds its share to up to eight voxels.
//
//   sums[n,c,i] = sum_o share(p) * weight(p, i) * grad_output[n,c,o] / unit,      p, share and weight as in forward.wgsl
//
// in whole units: see common/fixed_point.wgsl. The low words of the sums come first, [n*D+z][c][y][x] with c below the number
// of channels, the high words after them. WGSL has no atomic floats, and the bits of their sums would differ from run to run.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per output voxel; gid.x over a plane's voxels, gid.y over planes. Only voxels in planes
// [first_plane, end_plane) of the input are added to.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  align_corners: u32,
  border: u32,
  nearest: u32,
  bits: i32,
  first_output: u32,
  first_plane: u32,
  end_plane: u32,
  grid_base: u32,
  grad_output_base: u32,
  sums_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grid: array<f32>;
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;
@group(0) @binding(3) var<storage, read> largest: u32;
@group(0) @binding(4) var<storage, read_write> sums: array<atomic<u32>>;

// #include common/trilinear
// #include common/grid_position
// #include common/fixed_point

// Adds a whole number below 2^62 in magnitude. The carry follows from the low word that was there.
fn add_to(low_at: u32, high_at: u32, term: f32) {
  if (term == 0.0) { return; }
  let magnitude = abs(term);
  var high = u32(magnitude * 0x1p-32);
  var low = u32(magnitude - f32(high) * 0x1p32);
  if (term < 0.0) {
    low = ~low + 1u;
    high = ~high + select(0u, 1u, low == 0u);
  }
  let before = atomicAdd(&sums[low_at], low);
  high += select(0u, 1u, before + low < before);
  if (high != 0u) { atomicAdd(&sums[high_at], high); }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let area = params.out_height * params.out_width;
  if (gid.x >= area || largest >= 0x7f800000u) { return; }
  let plane = params.first_output + gid.y;
  let at = places_of(plane, gid.x);
  let share = at.x.share * at.y.share * at.z.share;
  if (share == 0.0) { return; }
  let units = power_of_two(exponent_of(largest));
  let in_area = params.in_height * params.in_width;
  for (var corner = 0u; corner < 8u; corner++) {
    let is_high = vec3<bool>((corner & 1u) != 0u, (corner & 2u) != 0u, (corner & 4u) != 0u);
    let x = select(at.x.between.low, at.x.between.high, is_high.x);
    let y = select(at.y.between.low, at.y.between.high, is_high.y);
    let z = select(at.z.between.low, at.z.between.high, is_high.z);
    let fractions = vec3f(at.x.between.fraction, at.y.between.fraction, at.z.between.fraction);
    let weights = select(1.0 - fractions, fractions, is_high);
    let weight = share * weights.x * weights.y * weights.z;
    let to_plane = plane / params.out_depth * params.in_depth + z;
    if (weight == 0.0 || to_plane < params.first_plane || to_plane >= params.end_plane) { continue; }
    for (var c = 0u; c < params.channels; c++) {
      let grad = grad_output[(plane * params.channels + c) * area + gid.x - params.grad_output_base];
      let low_at = (2u * to_plane * params.channels + c) * in_area + y * params.in_width + x - params.sums_base;
      add_to(low_at, low_at + params.channels * in_area, round(weight * grad * units));
    }
  }
}
