// Sums over one plane and channel, for the statistics of a normalisation; summed over planes by finish.wgsl.
//
//   forward:   partials[n*D+z][0][c] = sum (x - shift),    [1][c] = sum (x - shift)^2,    shift of shift.wgsl
//   BACKWARD:  partials[n*D+z][0][c] = sum grad_output,    [1][c] = sum grad_output * (x - mean) * rstd
//
// The shift keeps the sum of squares from cancelling when the mean is far from zero. Channel c of image n belongs to
// group n * image_groups + c / group_channels.
// Mapping: one workgroup of 64 per (channel, plane).

struct Params {
  channels: u32,
  depth: u32,
  area: u32,
  first_plane: u32,
  image_groups: u32,
  group_channels: u32,
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
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let plane = params.first_plane + group.y;
  let row = plane * params.channels + group.x;
  let source = row * params.area - params.input_base;
  let known = statistics[plane / params.depth * params.image_groups + group.x / params.group_channels];
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
  if (lane == 0u) {
    let to = 2u * plane * params.channels + group.x;
    partials[to] = total_first;
    partials[to + params.channels] = total_second;
  }
}
