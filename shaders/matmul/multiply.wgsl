// Products of matrices, one for each of a batch; each matrix may be read transposed.
//
//   output[batch][row][column] = sum_k a(batch, row, k) * b(batch, k, column) + bias[column]
//
// a(batch, row, k) = a[batch * a_batch + row * a_row + k * a_step], b likewise; output is row-major; bias is 0 without BIAS.
// Partial sums of 16 terms are added up: one long chain of f32 additions would lose digits.
// Mapping: one workgroup of 8x8 per block of the output, one invocation per number, or per 4x4 numbers with TILED. group.x runs
// over blocks of columns, group.y and group.z over blocks of rows of all batches. Workgroup memory holds 16 columns of a's rows
// and 16 rows of b's columns at a time.

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
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
// #if ${BIAS}
@group(0) @binding(3) var<storage, read> bias: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// Successive rows of a, or columns of b and of the output.
// #if ${TILED}
alias Run = vec4f;
const RUN = 4u;
// #else
alias Run = f32;
const RUN = 1u;
// #endif
const SIDE = 8u;
const STEPS = 16u;

var<workgroup> a_block: array<array<Run, SIDE>, STEPS>;
var<workgroup> b_block: array<array<Run, SIDE>, STEPS>;

// Zeros beyond the ends add nothing.
fn a_at(start: u32, row: u32, k: u32) -> f32 {
  let inside = row < params.rows && k < params.depth;
  return select(0.0, a[select(0u, start + row * params.a_row + k * params.a_step, inside)], inside);
}

fn b_at(start: u32, k: u32, column: u32) -> f32 {
  let inside = column < params.columns && k < params.depth;
  return select(0.0, b[select(0u, start + k * params.b_step + column * params.b_column, inside)], inside);
}

fn a_run(start: u32, row: u32, k: u32) -> Run {
// #if ${TILED}
  return vec4f(a_at(start, row, k), a_at(start, row + 1u, k), a_at(start, row + 2u, k), a_at(start, row + 3u, k));
// #else
  return a_at(start, row, k);
// #endif
}

fn b_run(start: u32, k: u32, column: u32) -> Run {
// #if ${TILED}
  return vec4f(b_at(start, k, column), b_at(start, k, column + 1u), b_at(start, k, column + 2u), b_at(start, k, column + 3u));
// #else
  return b_at(start, k, column);
// #endif
}

fn store(batch: u32, row: u32, column: u32, values: Run) {
  if (row >= params.rows) { return; }
  let to = (batch * params.rows + row) * params.columns + column;
// #if ${TILED}
  let end = min(RUN, params.columns - min(column, params.columns));
  for (var i = 0u; i < end; i++) { output[to + i] = values[i] + bias_at(column + i); }
// #else
  if (column < params.columns) { output[to] = values + bias_at(column); }
// #endif
}

fn bias_at(column: u32) -> f32 {
// #if ${BIAS}
  return bias[column];
// #else
  return 0.0;
// #endif
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let blocks = (params.rows + SIDE * RUN - 1u) / (SIDE * RUN);
  let block = group.z * groups.y + group.y;
  let batch = block / blocks;
  // The last row of a folded dispatch may have blocks to spare.
  if (batch >= params.batches) { return; }
  let first_row = block % blocks * SIDE * RUN;
  let first_column = group.x * SIDE * RUN;
  let a_start = batch * params.a_batch;
  let b_start = batch * params.b_batch;
  // Neighbouring invocations load neighbours in memory, whichever way a matrix is read.
  let low = index % SIDE;
  let high = index / SIDE;
  let by_step = index % STEPS;
  let by_run = index / STEPS;
// #if ${TILED}
  var total0 = vec4f(0.0);
  var total1 = vec4f(0.0);
  var total2 = vec4f(0.0);
  var total3 = vec4f(0.0);
// #else
  var total = 0.0;
// #endif
  for (var first = 0u; first < params.depth; first += STEPS) {
    for (var i = 0u; i < 2u; i++) {
      let a_lane = select(vec2u(high + i * SIDE, low), vec2u(by_step, by_run + i * 4u), params.a_step == 1u);
      let b_lane = select(vec2u(high + i * SIDE, low), vec2u(by_step, by_run + i * 4u), params.b_step == 1u);
      a_block[a_lane.x][a_lane.y] = a_run(a_start, first_row + a_lane.y * RUN, first + a_lane.x);
      b_block[b_lane.x][b_lane.y] = b_run(b_start, first + b_lane.x, first_column + b_lane.y * RUN);
    }
    workgroupBarrier();
    let steps = min(STEPS, params.depth - first);
// #if ${TILED}
    var sum0 = vec4f(0.0);
    var sum1 = vec4f(0.0);
    var sum2 = vec4f(0.0);
    var sum3 = vec4f(0.0);
    for (var k = 0u; k < steps; k++) {
      let rows = a_block[k][lane.y];
      let columns = b_block[k][lane.x];
      sum0 += rows.x * columns;
      sum1 += rows.y * columns;
      sum2 += rows.z * columns;
      sum3 += rows.w * columns;
    }
    total0 += sum0;
    total1 += sum1;
    total2 += sum2;
    total3 += sum3;
// #else
    var sum = 0.0;
    for (var k = 0u; k < steps; k++) { sum += a_block[k][lane.y] * b_block[k][lane.x]; }
    total += sum;
// #endif
    workgroupBarrier();
  }
  let row = first_row + lane.y * RUN;
  let column = first_column + lane.x * RUN;
// #if ${TILED}
  store(batch, row, column, total0);
  store(batch, row + 1u, column, total1);
  store(batch, row + 2u, column, total2);
  store(batch, row + 3u, column, total3);
// #else
  store(batch, row, column, total);
// #endif
}
