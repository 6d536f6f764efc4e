// Gradient of an affine grid with respect to the map: the sums over a plane, which are then added up over the planes.
//
//   partials[n,i,j,plane] = sum_o grad_output[n,i,o] * (x, y, z, 1)[j]
//
// One result per plane, so that the bits do not depend on how the work is cut.
// Mapping: one workgroup of 64 invocations per row i of the map (group.x) and plane (group.y).

struct Params {
  depth: u32,
  width: u32,
  area: u32,
  x_scale: f32,
  x_offset: f32,
  y_scale: f32,
  y_offset: f32,
  z_scale: f32,
  z_offset: f32,
  first_plane: u32,
  grad_output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let plane = params.first_plane + group.y;
  let first = (3u * plane + group.x) * params.area - params.grad_output_base;
  var sums = vec3f(0.0);
  for (var o = lane; o < params.area; o += 64u) {
    let x = f32(o % params.width) * params.x_scale + params.x_offset;
    let y = f32(o / params.width) * params.y_scale + params.y_offset;
    sums += grad_output[first + o] * vec3f(x, y, 1.0);
  }
  let along_x = workgroup_sum(sums.x, lane);
  let along_y = workgroup_sum(sums.y, lane);
  let total = workgroup_sum(sums.z, lane);
  if (lane == 0u) {
    let z = f32(plane % params.depth) * params.z_scale + params.z_offset;
    let to = (12u * (plane / params.depth) + 4u * group.x) * params.depth + plane % params.depth;
    partials[to] = along_x;
    partials[to + params.depth] = along_y;
    partials[to + 2u * params.depth] = z * total;
    partials[to + 3u * params.depth] = total;
  }
}
