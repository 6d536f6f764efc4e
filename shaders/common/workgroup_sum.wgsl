// Sum over a workgroup of 64 invocations by a fixed tree: the same bits in every run. All invocations must call it.

var<workgroup> sum_scratch: array<f32, 64>;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
  sum_scratch[lane] = value;
  workgroupBarrier();
  for (var stride = 32u; stride > 0u; stride >>= 1u) {
    if (lane < stride) { sum_scratch[lane] += sum_scratch[lane + stride]; }
    workgroupBarrier();
  }
  let total = sum_scratch[0];
  workgroupBarrier();
  return total;
}
