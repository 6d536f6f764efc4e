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
    // Eight by eight, for which rounding errors are smaller.
    for (var i = 0u; i < 64u; i += 8u) {
      var part = 0.0;
      for (var j = 0u; j < 8u; j++) { part += sum_scratch[i + j]; }
      total += part;
    }
    sum_total = total;
  }
  workgroupBarrier();
  return sum_total;
}
