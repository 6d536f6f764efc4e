// Gradient of a convolution with respect to its bias, plane by plane; reduce/columns.wgsl adds the planes.
//
//   partials[n*D+z][c] = sum_{y,x} grad_output[n,c,z,y,x]
//
// Mapping: one workgroup of 64 per (channel, plane); each invocation adds every 64th voxel, then workgroup_sum.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  grad_output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(1) var<storage, read> grad_output: array<StoredGradOutput>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (params.first_plane + group.y) * params.channels + group.x;
  let start = row * params.area - params.grad_output_base;
  var sum = 0.0;
  for (var i = lane; i < params.area; i += 64u) { sum += f32(grad_output[start + i]); }
  let total = workgroup_sum(sum, lane);
  if (lane == 0u) { partials[row] = total; }
}
