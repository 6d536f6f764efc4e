// One of the three passes that sum each voxel's cubic neighbourhood: a window of 2r+1 voxels along one axis, with positions
// outside replaced by the nearest edge voxel. Or the adjoint of such a pass.
//
//   forward: output[i] = sum_{o=-r..r} input[clamp(i+o, 0, n-1)]
//   ADJOINT: output[j] = sum_i input[i] * #{o : clamp(i+o, 0, n-1) = j}
//   AXIS_Z, the last pass, subtracts the voxel itself: output -= centre
//
// The adjoint counts the members of the window and, at the two ends, also the offsets that were clamped onto them.
// A run slides its window along the axis, so that only its first sum, of 2r+1 voxels, depends on r.
// Mapping: one invocation per run of RUN voxels of one line. AXIS_X lines are rows of a plane: gid.x over
// (row, run), gid.y over channels, gid.z over planes. AXIS_Y: gid.x over (run, x). AXIS_Z: gid.x over a plane's
// voxels, gid.z over runs of planes. Along y and z, with VECTOR, four neighbouring lines at once; extents and offsets
// then count vec4s.

struct Params {
  channels: u32,
  depth: u32,
  height: u32,
  width: u32,
  radius: u32,
  first_plane: u32,
  last_plane: u32,
  input_base: u32,
  output_base: u32,
// #if ${AXIS_Z}
  centre_base: u32,
// #endif
}

const RUN = 16u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;
// #if ${AXIS_Z}
alias StoredCentre = Element; // #stored centre
@group(0) @binding(3) var<storage, read> centre: array<StoredCentre>;
// #endif

// The voxel itself, which the last pass subtracts. `at` counts from the start of the volume.
fn own(at: u32) -> Element {
// #if ${AXIS_Z}
  return Element(centre[at - params.centre_base / WIDTH]);
// #else
  return Element(0.0);
// #endif
}

// #include common/linear

fn clamped(i: i32, n: i32) -> u32 { return u32(clamp(i, 0, n - 1)); }

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let width = params.width / WIDTH;
  let area = params.height * width;
  let plane_size = params.channels * area;
// #if ${AXIS_X}
  let runs = (params.width + RUN - 1u) / RUN;
  let y = gid.x / runs;
  if (y >= params.height) { return; }
  let n = i32(params.width);
  let stride = 1u;
  let line = (params.first_plane + gid.z) * plane_size + gid.y * area + y * width;
  let begin = i32(gid.x % runs * RUN);
  let first = begin;
  let end = min(begin + i32(RUN), n);
// #elif ${AXIS_Y}
  let x = gid.x % width;
  let begin = i32(gid.x / width * RUN);
  let n = i32(params.height);
  if (begin >= n) { return; }
  let stride = width;
  let line = (params.first_plane + gid.z) * plane_size + gid.y * area + x;
  let first = begin;
  let end = min(begin + i32(RUN), n);
// #else
  if (gid.x >= area) { return; }
  let n = i32(params.depth);
  let stride = plane_size;
  // Slabs do not cross from one volume of the batch to the next. Only planes of the slab are written.
  let volume = params.first_plane / params.depth * params.depth;
  let line = volume * plane_size + gid.y * area + gid.x;
  let begin = i32(((params.first_plane - volume) / RUN + gid.z) * RUN);
  let first = max(begin, i32(params.first_plane - volume));
  let end = min(begin + i32(RUN), i32(params.last_plane - volume));
// #endif
  let source = line - params.input_base / WIDTH;
  let to = line - params.output_base / WIDTH;
  let r = i32(params.radius);

// #if ${ADJOINT}
  var sum = Element(0.0);
  for (var i = max(begin - r, 0); i <= min(begin + r, n - 1); i++) { sum += Element(input[source + u32(i) * stride]); }
  for (var j = begin; j < end; j++) {
    var value = sum;
    // Offsets clamped onto the low end: i counts it r-i times more; likewise at the high end.
    if (j == 0) {
      for (var i = 0; i < min(r, n); i++) { value += f32(r - i) * Element(input[source + u32(i) * stride]); }
    }
    if (j == n - 1) {
      for (var i = max(n - r, 0); i < n; i++) { value += f32(r - (n - 1 - i)) * Element(input[source + u32(i) * stride]); }
    }
    if (j >= first) { output[to + u32(j) * stride] = StoredOutput(value - own(line + u32(j) * stride)); }
    if (j + 1 == end) { break; }
    if (j + r + 1 < n) { sum += Element(input[source + u32(j + r + 1) * stride]); }
    if (j - r >= 0) { sum -= Element(input[source + u32(j - r) * stride]); }
  }
// #else
  var sum = Element(0.0);
  for (var o = -r; o <= r; o++) { sum += Element(input[source + clamped(begin + o, n) * stride]); }
  for (var i = begin; i < end; i++) {
    if (i >= first) { output[to + u32(i) * stride] = StoredOutput(sum - own(line + u32(i) * stride)); }
    if (i + 1 == end) { break; }
    sum += Element(input[source + clamped(i + r + 1, n) * stride]) - Element(input[source + clamped(i - r, n) * stride]);
  }
// #endif
}
