// 3-D convolution (stride 1, zero padding, odd kernel) of a one-hot volume stored as labels: every tap looks up
// its weight, and nothing is multiplied.
//
//   output[n,co,z,y,x] = f( bias[co] + sum_{dz,dy,dx} weight[co, label[n,z+dz-pz,y+dy-py,x+dx-px], dz,dy,dx] )
//
// Positions outside the volume, and labels that are not a class, add nothing.
// Layout: labels [n*D+z][y][x]; output [n*D+z][co][y][x]; packed weights [co][dz][dy][label][vec4s of dx], with zeros
// for the label `classes`, followed by the bias (pack_weights.wgsl).
// Mapping: one invocation computes TILE_X outputs along x for one output channel, held in named registers. gid.x runs
// over (y, x tile), gid.y over output channels, gid.z over planes n*D+z.
// A label is loaded once per row, and its taps of that row are loaded as vec4s, each for up to four outputs: a look-up by
// label is a gather, and this kernel spends its time on gathers. With VECTOR, results are stored in vec4s. Unrolled by src/ops/label-conv3d/unroll-forward.ts.

struct Params {
  classes: u32,
  outputs: u32,
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  activation: u32, // f, see common/activation
  labels_base: u32,
  output_base: u32,
}

const KD = 3u; // #set
const KH = 3u; // #set
const KW = 3u; // #set
const TILE_X = 1u; // #set
const PACKED = 1u; // #set
const ROW_VECTORS = (KW + 3u) / 4u;
const NOWHERE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
// #if ${VECTOR}
@group(0) @binding(1) var<storage, read> labels: array<vec4u>;
// #else
@group(0) @binding(1) var<storage, read> labels: array<u32>;
// #endif
// #if ${UNIFORM_WEIGHTS}
@group(0) @binding(2) var<uniform> packed: array<vec4f, PACKED>;
// #else
@group(0) @binding(2) var<storage, read> packed: array<vec4f>;
// #endif
alias StoredOutput = Element; // #stored output
@group(0) @binding(3) var<storage, read_write> output: array<StoredOutput>;

// #include common/math
// #include common/activation
// #include common/linear

// The label at row + x, or no label outside the row; x wraps around below 0.
fn load(row: u32, x: u32) -> u32 {
  let here = x < params.width;
  let at = select(0u, row + x, here);
// #if ${VECTOR}
  return select(NOWHERE, labels[at / 4u][at % 4u], here);
// #else
  return select(NOWHERE, labels[at], here);
// #endif
}

// Stores one result or, with VECTOR, four results of a row.
fn store(at: u32, value: Element) {
// #if ${VECTOR}
  output[at / WIDTH] = StoredOutput(activate4(value, params.activation));
// #else
  output[at] = StoredOutput(activate(value, params.activation));
// #endif
}

// #if ${VECTOR}
// Four labels starting at row + x. Rows are whole vec4s, so either all four are in the row or none is.
fn load4(row: u32, x: u32) -> vec4u {
  let here = x < params.width;
  return select(vec4u(NOWHERE), labels[select(0u, row + x, here) / 4u], here);
}
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let tiles = (params.width + TILE_X - 1u) / TILE_X;
  let y = gid.x / tiles;
  let x0 = (gid.x % tiles) * TILE_X;
  if (y >= params.height) { return; }
  let co = gid.y;
  let plane = params.first_plane + gid.z;
  let z = plane % params.depth;
  let area = params.height * params.width;
  let row_entries = (params.classes + 1u) * ROW_VECTORS;
  let bias = packed[params.outputs * KD * KH * row_entries + co].x;

  // #generate declare

  for (var dz = 0u; dz < KD; dz++) {
    // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
    if (z + dz - KD / 2u >= params.depth) { continue; }
    for (var dy = 0u; dy < KH; dy++) {
      let yi = y + dy - KH / 2u;
      if (yi >= params.height) { continue; }
      let row = (plane + dz - KD / 2u) * area + yi * params.width - params.labels_base;
      let at = ((co * KD + dz) * KH + dy) * row_entries;
      // #generate add
    }
  }

  let to = (plane * params.outputs + co) * area + y * params.width + x0 - params.output_base;
  // #generate store
}
