// Softmax (or its logarithm) over channels.
//
//   softmax:     output[c] = exp(input[c] - m) / s
//   LOG:         output[c] = input[c] - m - log(s),      m = max_c input[c],  s = sum_c exp(input[c] - m)
//
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.
// With IN_REGISTERS, its channels are read once and kept in named registers (lines `#each`, repeated for every channel).

struct Params {
  area: u32,
  first_plane: u32,
  input_base: u32,
  output_base: u32,
}

const CHANNELS = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = f32; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

// #include common/math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * CHANNELS * params.area + gid.x;
  let source = first - params.input_base;
  let to = first - params.output_base;
// #if ${IN_REGISTERS}
  // #each CHANNELS let l$ = f32(input[source + $u * params.area]);
  var largest = l0;
  // #each CHANNELS largest = max(largest, l$);
  var sum = 0.0;
  // #each CHANNELS let e$ = exp_exact(l$ - largest); sum += e$;
// #if ${LOG}
  let log_sum = log_exact(sum);
  // #each CHANNELS output[to + $u * params.area] = StoredOutput(l$ - largest - log_sum);
// #else
  // #each CHANNELS output[to + $u * params.area] = StoredOutput(e$ / sum);
// #endif
// #else
  var largest = f32(input[source]);
  for (var c = 1u; c < CHANNELS; c++) { largest = max(largest, f32(input[source + c * params.area])); }
  var sum = 0.0;
  for (var c = 0u; c < CHANNELS; c++) { sum += exp_exact(f32(input[source + c * params.area]) - largest); }
// #if ${LOG}
  let log_sum = log_exact(sum);
  for (var c = 0u; c < CHANNELS; c++) {
    output[to + c * params.area] = StoredOutput(f32(input[source + c * params.area]) - largest - log_sum);
  }
// #else
  for (var c = 0u; c < CHANNELS; c++) {
    output[to + c * params.area] = StoredOutput(exp_exact(f32(input[source + c * params.area]) - largest) / sum);
  }
// #endif
// #endif
}
