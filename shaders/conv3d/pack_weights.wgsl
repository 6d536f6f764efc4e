// Weights in the order in which the convolution kernels read them: [tap][ci][co], co padded with zeros to whole vec4s,
// followed by the bias, padded in the same way.
//
//   forward:         packed[t][ci][co] = weight[co][ci][t]
//   TRANSPOSE:       packed[t][co][ci] = weight[co][ci][taps-1-t]   (the gradient with respect to the input)
//
// The first `coarse_inputs` channels belong to a volume that is upsampled to twice its resolution, so that several taps read
// the same coarse voxel. Which ones do depends on whether the output's position p along an axis is even or odd. The weights of
// these channels come first, each the sum over the taps (dz, dy, dx) that read coarse voxel (jz, jy, jx) of those in reach:
//
//   packed[pz][jz][py][jy][px][jx][ci][co] = sum weight[co][ci][dz][dy][dx],   j = floor((p + d - K/2) / 2) - floor((p - K/2) / 2)
//
// Mapping: one invocation writes one float of the packed array.

struct Params {
  kd: u32,
  kh: u32,
  kw: u32,
  taps: u32,
  inputs: u32,  // channels that the packed kernel reads
  coarse_inputs: u32, // those of them that are upsampled
  outputs: u32, // channels that it writes
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
// #if ${BIAS}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> packed: array<f32>;

// #include common/linear_index

// The first of the two taps that may read the j-th coarse voxel in reach of an output of parity p; `slot` is (p, j). It may be one
// before the first tap, which wraps around.
fn first_tap(slot: u32, extent: u32) -> u32 {
  let reach = extent / 2u + 1u;
  // 2 K keeps the number above 0.
  let first = slot / reach + 2u * extent - extent / 2u;
  return (first / 2u + slot % reach) * 2u - first;
}

// The sum of the taps that read one coarse voxel; `slots` is the index of (pz, jz, py, jy, px, jx).
fn coarse_weight(co: u32, ci: u32, slots: u32) -> f32 {
  let z = first_tap(slots / (params.kw + 1u) / (params.kh + 1u), params.kd);
  let y = first_tap(slots / (params.kw + 1u) % (params.kh + 1u), params.kh);
  let x = first_tap(slots % (params.kw + 1u), params.kw);
  let kernel = (co * params.inputs + ci) * params.taps;
  var sum = 0.0;
  for (var i = 0u; i < 8u; i++) {
    let dz = z + i / 4u;
    let dy = y + i / 2u % 2u;
    let dx = x + i % 2u;
    if (dz < params.kd && dy < params.kh && dx < params.kw) { sum += weight[kernel + (dz * params.kh + dy) * params.kw + dx]; }
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
  let padded = (params.outputs + 3u) / 4u * 4u;
  let co = i % padded;
  let row = i / padded;
  let coarse_rows = (params.kd + 1u) * (params.kh + 1u) * (params.kw + 1u) * params.coarse_inputs;
  let inputs = params.inputs - params.coarse_inputs;
  var value = 0.0;
  if (co < params.outputs) {
    if (row < coarse_rows) {
      value = coarse_weight(co, row % params.coarse_inputs, row / params.coarse_inputs);
    } else if (row < coarse_rows + params.taps * inputs) {
      let tap = (row - coarse_rows) / inputs;
      let ci = params.coarse_inputs + (row - coarse_rows) % inputs;
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
