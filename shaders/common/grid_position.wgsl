// Where the grid of grid_sample places a voxel of the output along one axis of the input. Include common/trilinear first.

struct Place {
  position: f32, // in voxels, 0 at the centre of the first
  between: Neighbours, // around the nearest position inside; the voxel itself twice if the nearest one is wanted
  share: f32, // what part of the weights lies inside: 1 within the centres of the outermost voxels or if these are continued
}

fn place_of(coordinate: f32, extent: u32) -> Place {
  let n = f32(extent);
  let last = n - 1.0;
  let p = select(0.5 * ((coordinate + 1.0) * n - 1.0), 0.5 * (coordinate + 1.0) * last, params.align_corners == 1u);
  let inside = clamp(p, 0.0, last);
  if (params.nearest == 1u) {
    let voxel = u32(round(inside));
    let is_inside = params.border == 1u || (round(p) >= 0.0 && round(p) <= last);
    return Place(p, Neighbours(voxel, voxel, 0.0), select(0.0, 1.0, is_inside));
  }
  let low = min(u32(inside), extent - 1u);
  let share = select(max(0.0, 1.0 - abs(p - inside)), 1.0, params.border == 1u);
  return Place(p, Neighbours(low, min(low + 1u, extent - 1u), inside - f32(low)), share);
}

struct Places {
  x: Place,
  y: Place,
  z: Place,
}

// The places of voxel `at` of a plane of the grid, [n*D+z][x,y,z][y][x].
fn places_of(plane: u32, at: u32) -> Places {
  let area = params.out_height * params.out_width;
  let first = 3u * plane * area + at - params.grid_base;
  return Places(
    place_of(grid[first], params.in_width),
    place_of(grid[first + area], params.in_height),
    place_of(grid[first + 2u * area], params.in_depth),
  );
}
