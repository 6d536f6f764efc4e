// Largest value of a workgroup of 64 invocations, as workgroup_sum.wgsl adds them. All invocations must call it, and get the value.

var<workgroup> max_scratch: array<f32, 64>;
var<workgroup> max_total: f32;

fn workgroup_max(value: f32, lane: u32) -> f32 {
  max_scratch[lane] = value;
  workgroupBarrier();
  if (lane == 0u) {
    var largest = value;
    for (var i = 1u; i < 64u; i++) { largest = max(largest, max_scratch[i]); }
    max_total = largest;
  }
  workgroupBarrier();
  return max_total;
}
