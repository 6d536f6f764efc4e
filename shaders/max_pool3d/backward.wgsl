// Gradient of 2x2x2 max-pooling: it goes to the first largest voxel of each window, in the order z, y, x.
//
//   grad_input[v] = grad_output[window of v] if v is the first maximum of its window, else 0
//
// Mapping: one invocation per window, including the incomplete windows at an odd end, which write zeros. gid.x runs over
// a plane's windows, gid.y over channels, gid.z over pairs of input planes.

struct Params {
  channels: u32,
  in_depth: u32,
  in_height: u32,
  in_width: u32,
  out_depth: u32,
  out_height: u32,
  out_width: u32,
  first_pair: u32,
  input_base: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = f32; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredGradOutput = f32; // #stored grad_output
@group(0) @binding(2) var<storage, read> grad_output: array<StoredGradOutput>;
alias StoredGradInput = f32; // #stored grad_input
@group(0) @binding(3) var<storage, read_write> grad_input: array<StoredGradInput>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let columns = (params.in_width + 1u) / 2u;
  let rows = (params.in_height + 1u) / 2u;
  let pairs = (params.in_depth + 1u) / 2u;
  let y = gid.x / columns;
  let x = gid.x % columns;
  if (y >= rows) { return; }
  let pair = params.first_pair + gid.z;
  let n = pair / pairs;
  let z = pair % pairs;
  let in_area = params.in_height * params.in_width;
  let complete = z < params.out_depth && y < params.out_height && x < params.out_width;

  var grad = 0.0;
  var best = 8u;
  if (complete) {
    let out_area = params.out_height * params.out_width;
    let out_plane = (n * params.out_depth + z) * params.channels + gid.y;
    grad = f32(grad_output[out_plane * out_area + y * params.out_width + x - params.grad_output_base]);
    var largest = 0.0;
    for (var i = 0u; i < 8u; i++) {
      let at = ((n * params.in_depth + 2u * z + (i >> 2u)) * params.channels + gid.y) * in_area
        + (2u * y + ((i >> 1u) & 1u)) * params.in_width + 2u * x + (i & 1u);
      let value = f32(input[at - params.input_base]);
      if (i == 0u || value > largest) {
        largest = value;
        best = i;
      }
    }
  }
  for (var i = 0u; i < 8u; i++) {
    let zi = 2u * z + (i >> 2u);
    let yi = 2u * y + ((i >> 1u) & 1u);
    let xi = 2u * x + (i & 1u);
    if (zi < params.in_depth && yi < params.in_height && xi < params.in_width) {
      let at = ((n * params.in_depth + zi) * params.channels + gid.y) * in_area + yi * params.in_width + xi;
      grad_input[at - params.grad_input_base] = StoredGradInput(select(0.0, grad, i == best));
    }
  }
}
