// Turns the sums of all planes into what the last pass of a normalisation needs, for groups of V voxels.
//
//   forward:   statistics = (mean, 1 / sqrt(variance + epsilon)),  biased variance
//   BACKWARD:  means = (mean of grad_output * weight, mean of grad_output * weight * normalised),  weight 1 without WEIGHT
//
// A group is group_channels channels of `images` images.
// Mapping: one workgroup of 64 per (group of an image, image); if groups span the batch, one image stands for all.

struct Params {
  channels: u32,
  depth: u32,
  images: u32,
  image_groups: u32,
  group_channels: u32,
  voxels: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
// #if ${BACKWARD}
@group(0) @binding(2) var<storage, read_write> means: array<vec2f>;
// #else
@group(0) @binding(2) var<storage, read_write> statistics: array<vec2f>;
// #endif
// #if ${WEIGHT}
@group(0) @binding(3) var<storage, read> weight: array<f32>;
// #endif

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var first = 0.0;
  var second = 0.0;
  for (var i = lane; i < params.images * params.depth * params.group_channels; i += 64u) {
    let plane = group.y * params.depth + i / params.group_channels;
    let channel = group.x * params.group_channels + i % params.group_channels;
    let at = 2u * plane * params.channels + channel;
// #if ${WEIGHT}
    first += weight[channel] * partials[at];
    second += weight[channel] * partials[at + params.channels];
// #else
    first += partials[at];
    second += partials[at + params.channels];
// #endif
  }
  let sum = workgroup_sum(first, lane) / params.voxels;
  let sum_squares = workgroup_sum(second, lane) / params.voxels;
  if (lane == 0u) {
    let at = group.y * params.image_groups + group.x;
// #if ${BACKWARD}
    means[at] = vec2f(sum, sum_squares);
// #else
    let variance = max(sum_squares - sum * sum, 0.0);
    statistics[at] = vec2f(statistics[at].x + sum, 1.0 / sqrt(variance + params.epsilon));
// #endif
  }
}
