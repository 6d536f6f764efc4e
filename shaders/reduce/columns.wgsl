// Sums partial results of many bricks, entry by entry.
//
//   output[i] = sum_brick partials[brick * stride + first + i]
//
// Mapping: one invocation per entry, adding in the order of the bricks.

struct Params {
  count: u32,
  first: u32,
  stride: u32,
  bricks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
  // Partial sums of 32 terms: one long chain of f32 additions would lose digits.
  var total = 0.0;
  for (var first = 0u; first < params.bricks; first += 32u) {
    var sum = 0.0;
    for (var b = first; b < min(first + 32u, params.bricks); b++) { sum += partials[b * params.stride + params.first + i]; }
    total += sum;
  }
  output[i] = total;
}
