// Product of two matrices; each may be read transposed.
//
//   output[row][column] = sum_k a(row, k) * b(k, column) + bias[column]
//
// a(row, k) = a[row * a_row + k * a_step], b(k, column) = b[k * b_step + column * b_column]; output is row-major; bias
// is 0 without BIAS. Partial sums of 16 terms are added up: one long chain of f32 additions would lose digits.
// Mapping: one workgroup of 8x8 per 8x8 block of the output, one invocation per number; group.x over columns, group.y
// and group.z over rows. Workgroup memory holds 16 columns of a's rows and 16 rows of b's columns at a time.

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  a_row: u32,
  a_step: u32,
  b_step: u32,
  b_column: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
// #if ${BIAS}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

const BLOCK = 8u;
const STEPS = 16u;

var<workgroup> a_block: array<array<f32, STEPS>, BLOCK>;
var<workgroup> b_block: array<array<f32, BLOCK>, STEPS>;

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let row = (group.z * groups.y + group.y) * BLOCK + lane.y;
  let column = group.x * BLOCK + lane.x;
  var total = 0.0;
  for (var first = 0u; first < params.depth; first += STEPS) {
    // Zeros beyond the ends add nothing.
    for (var i = 0u; i < STEPS; i += BLOCK) {
      let a_k = first + lane.x + i;
      let b_k = first + lane.y + i;
      var a_value = 0.0;
      var b_value = 0.0;
      if (row < params.rows && a_k < params.depth) { a_value = a[row * params.a_row + a_k * params.a_step]; }
      if (column < params.columns && b_k < params.depth) { b_value = b[b_k * params.b_step + column * params.b_column]; }
      a_block[lane.y][lane.x + i] = a_value;
      b_block[lane.y + i][lane.x] = b_value;
    }
    workgroupBarrier();
    var sum = 0.0;
    for (var k = 0u; k < STEPS; k++) { sum += a_block[lane.y][k] * b_block[k][lane.x]; }
    total += sum;
    workgroupBarrier();
  }
  if (row >= params.rows || column >= params.columns) { return; }
// #if ${BIAS}
  total += bias[column];
// #endif
  output[row * params.columns + column] = total;
}
