// Gradient of resampling with respect to the input: each voxel gathers from the outputs in which it has a weight.
//
//   grad_input[n,c,i] = sum_o weight(p, i) * grad_output[n,c,o],      p = map[n] (o, 1), weight as in forward.wgsl
//
// Only outputs with |p - i| <= 1 along every axis have a weight. The inverse of the map takes that cube to a parallelepiped;
// the sum runs over the box around it, or over all outputs if the map has no inverse.
//
// Layout: volumes [n*D+z][c][y][x].
// Mapping: one invocation per input voxel; gid.x over a plane's voxels, gid.y over channels, gid.z over planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  nearest: u32,
  first_plane: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;
@group(0) @binding(2) var<storage, read> voxel_map: array<f32>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>;

// #include common/trilinear
// #include common/affine_map

const SMALLEST_DETERMINANT = 1e-12;

struct Range {
  first: vec3u,
  stop: vec3u,
}

// The outputs in which the voxel may have a weight.
fn sharing(n: u32, voxel: vec3u, extents: vec3u) -> Range {
  let a = map_row(n, 0u);
  let b = map_row(n, 1u);
  let c = map_row(n, 2u);
  let u = cross(b.xyz, c.xyz);
  let v = cross(c.xyz, a.xyz);
  let w = cross(a.xyz, b.xyz);
  let determinant = dot(a.xyz, u);
  if (!(abs(determinant) > SMALLEST_DETERMINANT)) { return Range(vec3u(0u), extents); }
  let d = vec3f(voxel) - vec3f(a.w, b.w, c.w);
  let centre = (u * d.x + v * d.y + w * d.z) / determinant;
  // A little more than exact arithmetic needs.
  let radius = (abs(u) + abs(v) + abs(w)) / abs(determinant) + 0.01;
  let most = vec3f(extents);
  return Range(
    vec3u(clamp(ceil(centre - radius), vec3f(0.0), most)),
    vec3u(clamp(floor(centre + radius) + 1.0, vec3f(0.0), most)),
  );
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.in_height * params.in_width) { return; }
  let plane = params.first_plane + gid.z;
  let n = plane / params.in_depth;
  let voxel = vec3u(plane % params.in_depth, gid.x / params.in_width, gid.x % params.in_width);
  let extents = vec3u(params.in_depth, params.in_height, params.in_width);
  let nearest = params.nearest == 1u;
  let range = sharing(n, voxel, vec3u(params.out_depth, params.out_height, params.out_width));
  var sum = 0.0;
  for (var z = range.first.x; z < range.stop.x; z++) {
    for (var y = range.first.y; y < range.stop.y; y++) {
      let row = (((n * params.out_depth + z) * params.channels + gid.y) * params.out_height + y) * params.out_width
        - params.grad_output_base;
      for (var x = range.first.z; x < range.stop.z; x++) {
        let p = mapped(n, vec3u(z, y, x));
        if (is_inside(p, extents)) {
          let weight = share_of(voxel.x, neighbours_at(p.x, extents.x, nearest))
            * share_of(voxel.y, neighbours_at(p.y, extents.y, nearest))
            * share_of(voxel.z, neighbours_at(p.z, extents.z, nearest));
          sum += weight * grad_output[row + x];
        }
      }
    }
  }
  let to = (plane * params.channels + gid.y) * params.in_height * params.in_width + gid.x;
  grad_input[to - params.grad_input_base] = sum;
}
