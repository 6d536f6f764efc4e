// Sums over some of five axes; the others are kept. With LARGEST, the largest number instead.
//
//   output[i] = scale * sum_r input[i + r]
//   output[i] = max_r input[i + r]
//
// i and r are positions with one index per axis: i is 0 on summed axes, r on kept axes. kept1 to kept4 and summed1 to summed4
// are the extents of the inner four axes; on each axis, one of the two is 1. Partial sums of 32 terms are added up: one long
// chain of f32 additions would lose digits.
// Mapping: one invocation per result, or one workgroup of 64 with GROUPS, which add their sums in a fixed order.

struct Params {
  first: u32,
  count: u32,
  summed: u32,
// #if ${LARGEST}
// #else
  scale: f32,
// #endif
  kept1: u32,
  kept2: u32,
  kept3: u32,
  kept4: u32,
  summed1: u32,
  summed2: u32,
  summed3: u32,
  summed4: u32,
  stride0: u32,
  stride1: u32,
  stride2: u32,
  stride3: u32,
  stride4: u32,
  to0: u32,
  to1: u32,
  to2: u32,
  to3: u32,
  to4: u32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// #include common/linear_index
// #include common/five_axes

// #if ${GROUPS}
// #if ${LARGEST}
// #include common/workgroup_max
// #else
// #include common/workgroup_sum
// #endif
const LANES = 64u;
// #else
const LANES = 1u;
// #endif

fn in_input(i: u32, extents: vec4u) -> u32 {
  return offset_of(i, extents, params.stride0, vec4u(params.stride1, params.stride2, params.stride3, params.stride4));
}

fn summed_offset(r: u32) -> u32 {
  return in_input(r, vec4u(params.summed1, params.summed2, params.summed3, params.summed4));
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
// #if ${GROUPS}
  let index = group.y * groups.x + group.x;
  let lane = invocation;
// #else
  let index = linear_index(gid, groups);
  let lane = 0u;
// #endif
  if (index >= params.count) { return; }
  let i = params.first + index;
  let kept = vec4u(params.kept1, params.kept2, params.kept3, params.kept4);
  let source = in_input(i, kept) - params.input_base;
// #if ${LARGEST}
  // Lanes without numbers take the first one.
  var total = input[source];
  for (var r = lane; r < params.summed; r += LANES) { total = max(total, input[source + summed_offset(r)]); }
// #else
  var total = 0.0;
  for (var first = lane; first < params.summed; first += 32u * LANES) {
    var sum = 0.0;
    for (var r = first; r < min(first + 32u * LANES, params.summed); r += LANES) { sum += input[source + summed_offset(r)]; }
    total += sum;
  }
// #endif
// #if ${GROUPS}
// #if ${LARGEST}
  total = workgroup_max(total, lane);
// #else
  total = workgroup_sum(total, lane);
// #endif
// #endif
  if (lane == 0u) {
    let to = offset_of(i, kept, params.to0, vec4u(params.to1, params.to2, params.to3, params.to4));
// #if ${LARGEST}
    output[to - params.output_base] = total;
// #else
    output[to - params.output_base] = params.scale * total;
// #endif
  }
}
