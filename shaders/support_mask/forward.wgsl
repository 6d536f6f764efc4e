// Forbids the classes that the prior rules out.
//
//   output = logits - 1e12 where prior < threshold, else logits
//
// Mapping: one invocation per four elements.

struct Params {
  count: u32,
  threshold: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4f>;
@group(0) @binding(2) var<storage, read> prior: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(gid, groups);
  if (i >= params.count) { return; }
// #if ${BACKWARD}
  // logits is the incoming gradient here: none flows where the prior forbids.
  output[i] = select(logits[i], vec4f(0.0), prior[i] < vec4f(params.threshold));
// #else
  output[i] = select(logits[i], logits[i] - 1e12, prior[i] < vec4f(params.threshold));
// #endif
}
