// Inverted dropout. For the gradient, the same kernel runs on the output's gradient: the mask is recomputed, not stored.
//
//   output[n,c,v] = input[n,c,v] / (1 - p) if noise[n,c,v] >= p, else 0
//
// noise is as in noise/uniform.wgsl, pcg4d(voxel, stream * 2^16 + c / 4, step, seed)[c % 4] (common/noise.wgsl).
// Mapping: one invocation takes four channels of a voxel; gid.x runs over the voxels of a plane, gid.y over groups of
// four channels, gid.z over the planes of the slab.

struct Params {
  channels: u32,
  area: u32,
  first_plane: u32,
  stream: u32,
  probability: f32,
  scale: f32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counter: array<u32, 2>; // seed, step
@group(0) @binding(2) var<storage, read> input: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// #include common/noise

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.z;
  let key = vec4u(plane * params.area + gid.x, (params.stream << 16u) + gid.y, counter[1], counter[0]);
  let factors = select(vec4f(0.0), vec4f(params.scale), noise_of(key) >= vec4f(params.probability));
  let first = 4u * gid.y;
  let at = (plane * params.channels + first) * params.area + gid.x;
  for (var i = 0u; i < min(4u, params.channels - first); i++) {
    let channel = at + i * params.area;
    output[channel - params.output_base] = factors[i] * input[channel - params.input_base];
  }
}
