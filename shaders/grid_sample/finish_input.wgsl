// Turns the sums of backward_input.wgsl into numbers.
//
//   grad_input[n,c,i] = unit * sums[n,c,i];  NaN everywhere if a term was not finite
//
// Mapping: one invocation per voxel and channel; gid.x over the numbers of a plane, gid.y over planes.

struct Params {
  plane: u32,
  bits: i32,
  first_plane: u32,
  sums_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<u32>;
@group(0) @binding(2) var<storage, read> largest: u32;
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>;

// #include common/fixed_point

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.plane) { return; }
  let plane = params.first_plane + gid.y;
  let at = 2u * plane * params.plane + gid.x - params.sums_base;
  var low = sums[at];
  var high = sums[at + params.plane];
  let is_negative = (high >> 31u) == 1u;
  if (is_negative) {
    low = ~low + 1u;
    high = ~high + select(0u, 1u, low == 0u);
  }
  let magnitude = f32(high) * 0x1p32 + f32(low);
  var value = select(magnitude, -magnitude, is_negative) * power_of_two(-exponent_of(largest));
  if (largest >= 0x7f800000u) { value = bitcast<f32>(largest | 0x7fc00000u); }
  grad_input[plane * params.plane + gid.x - params.grad_input_base] = value;
}
