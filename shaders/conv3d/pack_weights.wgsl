// Weights in the order in which the convolution kernels read them: [tap][ci][co], co padded with zeros to whole vec4s,
// followed by the bias, padded in the same way.
//
//   forward:         packed[t][ci][co] = weight[co][ci][t]
//   TRANSPOSE:       packed[t][co][ci] = weight[co][ci][taps-1-t]   (the gradient with respect to the input)
//
// Mapping: one invocation writes one float of the packed array.

struct Params {
  taps: u32,
  inputs: u32,  // channels that the packed kernel reads
  outputs: u32, // channels that it writes
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
// #if ${BIAS}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.y * groups.x * 64u + gid.x;
  if (i >= params.count) { return; }
  let slots = (params.outputs + 3u) / 4u * 4u;
  let co = i % slots;
  let row = i / slots;
  var value = 0.0;
  if (co < params.outputs) {
    if (row < params.taps * params.inputs) {
      let tap = row / params.inputs;
      let ci = row % params.inputs;
// #if ${TRANSPOSE}
      value = weight[(ci * params.outputs + co) * params.taps + params.taps - 1u - tap];
// #else
      value = weight[(co * params.inputs + ci) * params.taps + tap];
// #endif
    } else {
// #if ${BIAS}
      value = bias[co];
// #endif
    }
  }
  packed[i] = value;
}
