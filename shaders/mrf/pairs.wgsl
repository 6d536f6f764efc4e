// A square table plus its transpose: pairs(c, c') = table(c, c') + table(c', c).
// Mapping: one invocation per entry.

struct Params {
  classes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> pairs: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let n = params.classes;
  if (gid.x >= n * n) { return; }
  pairs[gid.x] = table[gid.x] + table[gid.x % n * n + gid.x / n];
}
