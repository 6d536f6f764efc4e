// Sums over all elements, a workgroup's share of a row at a time; reduce/rows.wgsl adds the shares. A row is a plane
// [C,H,W] of a volume, or all of any other value. So a sum has the same bits however its volume is cut into planes.
//
//   sum:      partials[row][group] = sum_i a[i]
//   DOT:      partials[row][group] = sum_i a[i] * b[i]
//   SQUARED:  partials[row][group] = sum_i (a[i] - b[i])^2
//
// Mapping: one workgroup of 64 invocations per share of 4096 numbers (gid.x) of a row (gid.y); each adds every 64th
// element, then workgroup_sum.

struct Params {
  size: u32, // elements of a row
  groups: u32,
  first_row: u32,
  a_base: u32,
// #if ${DOT}
  b_base: u32,
// #elif ${SQUARED}
  b_base: u32,
// #endif
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredA = Element; // #stored a
@group(0) @binding(1) var<storage, read> a: array<StoredA>;
// #if ${DOT}
alias StoredB = Element; // #stored b
@group(0) @binding(2) var<storage, read> b: array<StoredB>;
// #elif ${SQUARED}
alias StoredB = Element; // #stored b
@group(0) @binding(2) var<storage, read> b: array<StoredB>;
// #endif
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// #include common/linear
// #include common/workgroup_sum

const SHARE = 4096u / WIDTH;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = params.first_row + group.y;
  let first = group.x * SHARE;
  var sums = Element(0.0);
  for (var i = first + lane; i < min(first + SHARE, params.size); i += 64u) {
    let at = row * params.size + i;
    let value = Element(a[at - params.a_base / WIDTH]);
// #if ${DOT}
    sums += value * Element(b[at - params.b_base / WIDTH]);
// #elif ${SQUARED}
    let difference = value - Element(b[at - params.b_base / WIDTH]);
    sums += difference * difference;
// #else
    sums += value;
// #endif
  }
// #if ${VECTOR}
  let sum = sums.x + sums.y + sums.z + sums.w;
// #else
  let sum = sums;
// #endif
  let total = workgroup_sum(sum, lane);
  if (lane == 0u) { partials[row * params.groups + group.x] = total; }
}
