// Sums over one plane and channel, for the statistics of instance normalisation; summed over depth by finish.wgsl.
//
//   forward:   partials[n*D+z][c] = (sum (x - shift), sum (x - shift)^2),  shift = the channel's first voxel
//   BACKWARD:  partials[n*D+z][c] = (sum grad_output, sum grad_output * (x - mean) * rstd)
//
// The shift keeps the sum of squares from cancelling where the mean is far from zero.
// Mapping: one workgroup of 64 per (channel, plane).

struct Params {
  channels: u32,
  depth: u32,
  area: u32,
  first_plane: u32,
  input_base: u32,
// #if ${BACKWARD}
  grad_output_base: u32,
// #endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2f>;
// #if ${BACKWARD}
@group(0) @binding(3) var<storage, read> grad_output: array<f32>;
// #endif
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let plane = params.first_plane + group.y;
  let row = plane * params.channels + group.x;
  let source = row * params.area - params.input_base;
  let known = statistics[plane / params.depth * params.channels + group.x];
  var first = 0.0;
  var second = 0.0;
  for (var i = lane; i < params.area; i += 64u) {
    let centred = input[source + i] - known.x;
// #if ${BACKWARD}
    let grad = grad_output[row * params.area - params.grad_output_base + i];
    first += grad;
    second += grad * centred * known.y;
// #else
    first += centred;
    second += centred * centred;
// #endif
  }
  let total_first = workgroup_sum(first, lane);
  let total_second = workgroup_sum(second, lane);
  if (lane == 0u) { partials[row] = vec2f(total_first, total_second); }
}
