// Gradient of a gather: every use of a position adds to it, in the order of the indices.
//
//   grad_input[outer][p][inner] = sum over j with indices[j] = p of grad_output[outer][j][inner]
//
// `links` are the lists of gather/links.wgsl. Partial sums of 32 terms are added up: one long chain of f32 additions would
// lose digits.
// Mapping: one invocation per element of grad_input, elements [first, first + count).

struct Params {
  length: u32,
  taken: u32,
  inner: u32,
  first: u32,
  count: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> links: array<u32>;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
alias StoredGradInput = f32; // #stored grad_input
@group(0) @binding(3) var<storage, read_write> grad_input: array<StoredGradInput>;

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = linear_index(gid, groups);
  if (at >= params.count) { return; }
  let to = params.first + at;
  let row = to / params.inner;
  let outer = row / params.length * params.taken;
  var total = 0.0;
  var sum = 0.0;
  var terms = 0u;
  for (var j = links[row % params.length]; j < params.taken; j = links[params.length + j]) {
    sum += f32(grad_output[(outer + j) * params.inner + to % params.inner - params.grad_output_base]);
    terms++;
    if (terms % 32u == 0u) {
      total += sum;
      sum = 0.0;
    }
  }
  grad_input[to - params.grad_input_base] = StoredGradInput(total + sum);
}
