// Gradient of softmax (or log-softmax) over channels, computed from its output.
//
//   softmax:  grad_input[c] = output[c] * (grad_output[c] - sum_k grad_output[k] * output[k])
//   LOG:      grad_input[c] = grad_output[c] - exp(output[c]) * sum_k grad_output[k]
//
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.
// With IN_REGISTERS, its channels are read once and kept in named registers (lines `#each`, repeated for every channel).

struct Params {
  area: u32,
  first_plane: u32,
  output_base: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

const CHANNELS = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredOutput = f32; // #stored output
@group(0) @binding(1) var<storage, read> output: array<StoredOutput>;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
alias StoredGradInput = f32; // #stored grad_input
@group(0) @binding(3) var<storage, read_write> grad_input: array<StoredGradInput>;

// #include common/math

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * CHANNELS * params.area + gid.x;
  let source = first - params.output_base;
  let grad = first - params.grad_output_base;
  let to = first - params.grad_input_base;
// #if ${IN_REGISTERS}
  // #each CHANNELS let o$ = f32(output[source + $u * params.area]);
  // #each CHANNELS let g$ = f32(grad_output[grad + $u * params.area]);
  var sum = 0.0;
// #if ${LOG}
  // #each CHANNELS sum += g$;
  // #each CHANNELS grad_input[to + $u * params.area] = StoredGradInput(g$ - exp_exact(o$) * sum);
// #else
  // #each CHANNELS sum += g$ * o$;
  // #each CHANNELS grad_input[to + $u * params.area] = StoredGradInput(o$ * (g$ - sum));
// #endif
// #else
  var sum = 0.0;
  for (var c = 0u; c < CHANNELS; c++) {
    let at = c * params.area;
// #if ${LOG}
    sum += f32(grad_output[grad + at]);
// #else
    sum += f32(grad_output[grad + at]) * f32(output[source + at]);
// #endif
  }
  for (var c = 0u; c < CHANNELS; c++) {
    let at = c * params.area;
// #if ${LOG}
    let value = f32(grad_output[grad + at]) - exp_exact(f32(output[source + at])) * sum;
// #else
    let value = f32(output[source + at]) * (f32(grad_output[grad + at]) - sum);
// #endif
    grad_input[to + at] = StoredGradInput(value);
  }
// #endif
}
