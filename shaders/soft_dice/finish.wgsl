// The soft Dice loss of every class of every image, and the sums that its gradient needs.
//
//   sums[n][c] = (sum p[c] * t[c], sum p[c] + t[c]),   losses[n][c] = 1 - (2 * sums.x + smooth) / (sums.y + smooth)
//
// Mapping: one workgroup of 64 per (class, image).

struct Params {
  channels: u32,
  depth: u32,
  smooth_by: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var sum = vec2f(0.0);
  for (var z = lane; z < params.depth; z += 64u) {
    sum += partials[(group.y * params.depth + z) * params.channels + group.x];
  }
  let product = workgroup_sum(sum.x, lane);
  let mass = workgroup_sum(sum.y, lane);
  if (lane == 0u) {
    let at = group.y * params.channels + group.x;
    sums[at] = vec2f(product, mass);
    // 1 - Dice as a single fraction: the difference would cancel for good overlaps.
    losses[at] = (mass - 2.0 * product) / (mass + params.smooth_by);
  }
}
