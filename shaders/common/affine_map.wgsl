// Where an affine map takes voxels of the output, in voxels of the input. The binding `voxel_map` holds three rows of four
// numbers for each volume of the batch.

// How far beyond the centre of the first and the last voxel the input reaches: half a voxel, and rounding.
const REACH = 0.501;

fn map_row(n: u32, axis: u32) -> vec4f {
  let at = 12u * n + 4u * axis;
  return vec4f(voxel_map[at], voxel_map[at + 1u], voxel_map[at + 2u], voxel_map[at + 3u]);
}

fn mapped(n: u32, voxel: vec3u) -> vec3f {
  let v = vec4f(vec3f(voxel), 1.0);
  return vec3f(dot(map_row(n, 0u), v), dot(map_row(n, 1u), v), dot(map_row(n, 2u), v));
}

fn is_inside(p: vec3f, extents: vec3u) -> bool {
  return all(p >= vec3f(-REACH)) && all(p <= vec3f(extents) - 1.0 + REACH);
}

// The voxels on either side of a position inside, the outermost one repeated; the nearest of them has all the weight if asked.
fn neighbours_at(p: f32, extent: u32, nearest: bool) -> Neighbours {
  let at = clamp(p, 0.0, f32(extent - 1u));
  let low = u32(at);
  let fraction = at - f32(low);
  return Neighbours(low, min(low + 1u, extent - 1u), select(fraction, f32(fraction >= 0.5), nearest));
}
