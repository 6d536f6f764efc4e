// Sum over a workgroup of 64 invocations in a fixed order: the same bits in every run. All invocations must call it, and get the
// sum.
//
// The first invocation adds. A tree would need a barrier for each of its six levels, at which a software driver suspends and
// resumes every invocation.

var<workgroup> sum_scratch: array<f32, 64>;
var<workgroup> sum_total: f32;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
  sum_scratch[lane] = value;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    // Drivers unroll this loop. Those that add in columns or blocks take lavapipe four times as long to compile.
    for (var i = 0u; i < 64u; i++) { total += sum_scratch[i]; }
    sum_total = total;
  }
  workgroupBarrier();
  return sum_total;
}
