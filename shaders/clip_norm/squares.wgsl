// Sum of squares of one gradient: squares[slot] = sum_i grad[i]^2. Mapping: one workgroup of 64.

struct Params {
  count: u32,
  slot: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> squares: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.count; i += 64u) { sum = fma(grad[i], grad[i], sum); }
  let total = workgroup_sum(sum, lane);
  if (lane == 0u) { squares[params.slot] = total; }
}
