// One term of a weighted sum of scalars: output = before + factor * weight * term. Mapping: a single invocation.

struct Params {
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> term: array<f32>;
// #if ${WEIGHT}
@group(0) @binding(2) var<storage, read> weight: array<f32>;
// #endif
// #if ${BEFORE}
@group(0) @binding(3) var<storage, read> before: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var value = params.factor * term[0];
// #if ${WEIGHT}
  value *= weight[0];
// #endif
// #if ${BEFORE}
  value += before[0];
// #endif
  output[0] = value;
}
