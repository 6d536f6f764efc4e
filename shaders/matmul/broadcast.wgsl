// Products of matrices on drivers that compute on the CPU, where workgroup memory and barriers cost more than they save.
//
//   output[batch][row][column] = sum_k a(batch, row, k) * b(batch, k, column) + bias
//
// a(batch, row, k) = a[batch * a_batch + row * a_row + k * a_step], and b likewise; bias is that of the row or of the column,
// 0 without BIAS. Partial sums of 16 terms are added up, as in multiply.wgsl.
// Mapping: one subgroup of LANES per ROWS rows and LANES * COLUMNS columns, COLUMNS per lane. group.x runs over blocks of columns,
// group.y and group.z over blocks of rows of all batches. For each k, a lane reads its own columns of b and some of the ROWS
// numbers of a, which it broadcasts. The tile is unrolled by src/ops/shared/unroll-product.ts.

enable subgroups;

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  batches: u32,
  a_batch: u32,
  a_row: u32,
  a_step: u32,
  b_batch: u32,
  b_step: u32,
  b_column: u32,
  output_row: u32,
  output_column: u32,
// #if ${BIAS}
  bias_row: u32,
  bias_column: u32,
// #endif
}

const LANES = 8u; // #set
const ROWS = 1u; // #set
const COLUMNS = 1u; // #set
const STEPS = 16u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
// #if ${VECTOR}
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
// #else
@group(0) @binding(2) var<storage, read> b: array<f32>;
// #endif
// #if ${BIAS}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// Offsets of a row of a and of a column of b. Those beyond the end read the last one, and their products are not stored.
fn a_offset(row: u32) -> u32 {
  return min(row, params.rows - 1u) * params.a_row;
}

fn b_offset(column: u32) -> u32 {
// #if ${VECTOR}
  return min(column, params.columns - 4u);
// #else
  return min(column, params.columns - 1u) * params.b_column;
// #endif
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) sublane: u32,
) {
  let blocks = (params.rows + ROWS - 1u) / ROWS;
  let block = group.z * groups.y + group.y;
  let batch = block / blocks;
  // The last row of a folded dispatch may have blocks to spare.
  if (batch >= params.batches) { return; }
  let first_row = block % blocks * ROWS;
  let first_column = (group.x * LANES + lane) * COLUMNS;

  // #generate declare

  for (var first = 0u; first < params.depth; first += STEPS) {
    // #generate clear
    var a_at = batch * params.a_batch + first * params.a_step;
    var b_at = batch * params.b_batch + first * params.b_step;
    let steps = min(STEPS, params.depth - first);
    for (var k = 0u; k < steps; k++) {
      // #generate multiply
      a_at += params.a_step;
      b_at += params.b_step;
    }
    // #generate add
  }

  // #generate results
  let within = batch * params.rows * params.columns;
  for (var r = 0u; r < min(ROWS, params.rows - first_row); r++) {
    for (var c = 0u; c < min(COLUMNS, params.columns - min(first_column, params.columns)); c++) {
      let row = first_row + r;
      let column = first_column + c;
      var value = results[r * COLUMNS + c];
// #if ${BIAS}
      value += bias[row * params.bias_row + column * params.bias_column];
// #endif
      output[within + row * params.output_row + column * params.output_column] = value;
    }
  }
}
