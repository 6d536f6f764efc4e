// Largest value of a workgroup of 64 invocations. All invocations must call it.

var<workgroup> max_scratch: array<f32, 64>;

fn workgroup_max(value: f32, lane: u32) -> f32 {
  max_scratch[lane] = value;
  workgroupBarrier();
  for (var stride = 32u; stride > 0u; stride >>= 1u) {
    if (lane < stride) { max_scratch[lane] = max(max_scratch[lane], max_scratch[lane + stride]); }
    workgroupBarrier();
  }
  let largest = max_scratch[0];
  workgroupBarrier();
  return largest;
}
