// Weights in the order in which the convolution kernels read them: [tap][ci][co], co padded with zeros to whole vec4s,
// followed by the bias, padded in the same way.
//
//   forward:         packed[t][ci][co] = weight[co][ci][t]
//   TRANSPOSE:       packed[t][co][ci] = weight[co][ci][taps-1-t]   (the gradient with respect to the input)
//
// With UPSAMPLED, the first input channels belong to a volume that is upsampled to twice its resolution, so that several taps read
// the same coarse voxel. Which ones do depends on whether the output's position p along an axis is even or odd. The weights of
// these channels come first, each the sum over the taps (dz, dy, dx) that read coarse voxel (jz, jy, jx) of those in reach:
//
//   packed[pz][jz][py][jy][px][jx][ci][co] = sum weight[co][ci][dz][dy][dx],   j = floor((p + d - K/2) / 2) - floor((p - K/2) / 2)
//
// Mapping: one invocation writes one float of the packed array.

struct Params {
  taps: u32,
  inputs: u32,  // channels that the packed kernel reads
  outputs: u32, // channels that it writes
  count: u32,
// #if ${UPSAMPLED}
  coarse_inputs: u32,
// #endif
}

// #if ${UPSAMPLED}
const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
// #endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
// #if ${BIAS}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> packed: array<f32>;

// #if ${UPSAMPLED}
// Whether tap d of an output of parity p reads the j-th coarse voxel in reach. K is added to keep the numbers above 0.
fn reads(p: u32, d: u32, j: u32, extent: u32) -> bool {
  let first = p + 2u * extent - extent / 2u;
  return (first + d) / 2u == first / 2u + j;
}

// The sum of the taps that read one coarse voxel; `row` is the index of (pz, jz, py, jy, px, jx).
fn coarse_weight(co: u32, ci: u32, row: u32) -> f32 {
  let columns = KW / 2u + 1u;
  let rows = KH / 2u + 1u;
  let x = row % (2u * columns);
  let y = row / (2u * columns) % (2u * rows);
  let z = row / (4u * columns * rows);
  var sum = 0.0;
  for (var dz = 0u; dz < KD; dz++) {
    for (var dy = 0u; dy < KH; dy++) {
      for (var dx = 0u; dx < KW; dx++) {
        if (reads(z / (KD / 2u + 1u), dz, z % (KD / 2u + 1u), KD) && reads(y / rows, dy, y % rows, KH) && reads(x / columns, dx, x % columns, KW)) {
          sum += weight[(co * params.inputs + ci) * params.taps + (dz * KH + dy) * KW + dx];
        }
      }
    }
  }
  return sum;
}
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.y * groups.x * 64u + gid.x;
  if (i >= params.count) { return; }
  let slots = (params.outputs + 3u) / 4u * 4u;
  let co = i % slots;
// #if ${UPSAMPLED}
  let coarse_rows = 8u * (KD / 2u + 1u) * (KH / 2u + 1u) * (KW / 2u + 1u) * params.coarse_inputs;
  let inputs = params.inputs - params.coarse_inputs;
// #else
  let coarse_rows = 0u;
  let inputs = params.inputs;
// #endif
  let row = i / slots;
  var value = 0.0;
  if (co < params.outputs) {
    if (row < coarse_rows) {
// #if ${UPSAMPLED}
      value = coarse_weight(co, row % params.coarse_inputs, row / params.coarse_inputs);
// #endif
    } else if (row < coarse_rows + params.taps * inputs) {
      let tap = (row - coarse_rows) / inputs;
      let ci = params.inputs - inputs + (row - coarse_rows) % inputs;
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
