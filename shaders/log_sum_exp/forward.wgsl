// Logarithm of the sum of exponentials over channels.
//
//   output[v] = m + log(sum_c exp(input[c,v] - m)),      m = max_c input[c,v]
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
  let plane = params.first_plane + gid.y;
  let source = plane * CHANNELS * params.area + gid.x - params.input_base;
  var sum = 0.0;
// #if ${IN_REGISTERS}
  // #each CHANNELS let l$ = f32(input[source + $u * params.area]);
  var largest = l0;
  // #each CHANNELS largest = max(largest, l$);
  // #each CHANNELS sum += exp_exact(l$ - largest);
// #else
  var largest = f32(input[source]);
  for (var c = 1u; c < CHANNELS; c++) { largest = max(largest, f32(input[source + c * params.area])); }
  for (var c = 0u; c < CHANNELS; c++) { sum += exp_exact(f32(input[source + c * params.area]) - largest); }
// #endif
  output[plane * params.area + gid.x - params.output_base] = StoredOutput(largest + log_exact(sum));
}
