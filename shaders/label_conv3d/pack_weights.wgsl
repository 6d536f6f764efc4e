// Packs the weights into the look-up table of forward.wgsl, followed by the bias.
//
//   packed[co][dz][dy][label][dx] = weight[co][label][dz][dy][dx], dx padded with zeros to whole vec4s
//   packed[co][dz][dy][classes]   = 0   (for positions outside the volume and labels that are not a class)
//   packed[end + co]              = (bias[co], 0, 0, 0)
//
// Mapping: one invocation writes one float of the packed array.

struct Params {
  classes: u32,
  kernel_rows: u32, // kD * kH
  kernel_width: u32,
  row_vectors: u32, // vec4s for the taps of one row
  table: u32,       // vec4s before the bias
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
// #if ${BIAS}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(3) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let i = gid.x;
  if (i >= params.count) { return; }
  let entry = i / 4u;
  var value = 0.0;
  if (entry < params.table) {
    let dx = entry % params.row_vectors * 4u + i % 4u;
    let label = entry / params.row_vectors % (params.classes + 1u);
    let row = entry / params.row_vectors / (params.classes + 1u);
    let co = row / params.kernel_rows;
    if (label < params.classes && dx < params.kernel_width) {
      let from_row = (co * params.classes + label) * params.kernel_rows + row % params.kernel_rows;
      value = weight[from_row * params.kernel_width + dx];
    }
  } else if (i % 4u == 0u) {
// #if ${BIAS}
    value = bias[entry - params.table];
// #endif
  }
  packed[i] = value;
}
