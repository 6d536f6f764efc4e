// Posterior of a Gaussian mixture at every voxel under a prior; each channel k of the prior owns some components m.
//
//   l[m] = constant[m] + sum_c (quadratic[c][m] x[c] + linear[c][m]) x[c] + log(prior[k] + least)
//   l[m] is lowered by 1e12 if prior[k] < threshold
//   output[k] = (1 - outliers) sum_{m of k} softmax(l)[m] + outliers prior[k]
//
// Layout: factors [n][2 C + 1][M], those of each contrast's x^2 and x, then the constants; channel k owns the components from
// starts[k] up to starts[k + 1].
// Mapping: one invocation per voxel or, with VECTOR, per four neighbours; gid.x runs over those of a plane,
// gid.y over the planes of the slab. Channels stay loops: unrolled, their many components would compile slowly.

struct Params {
  channels: u32,
  components: u32,
  depth: u32,
  area: u32,
  first_plane: u32,
  threshold: f32,
  least: f32,
  outliers: f32,
  scan_base: u32,
  prior_base: u32,
  output_base: u32,
}

const CONTRASTS = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scan: array<Element>;
@group(0) @binding(2) var<storage, read> prior: array<Element>;
@group(0) @binding(3) var<storage, read> factors: array<f32>;
@group(0) @binding(4) var<storage, read> starts: array<u32>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(5) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear
// #include common/math
// #include common/element_math
// #include common/within_prior

var<private> x: array<Element, CONTRASTS>;

fn likelihood(at: u32) -> Element {
  var sum = Element(factors[at + 2u * CONTRASTS * params.components]);
  for (var c = 0u; c < CONTRASTS; c++) {
    let of_square = at + c * params.components;
    sum += (factors[of_square] * x[c] + factors[of_square + CONTRASTS * params.components]) * x[c];
  }
  return sum;
}

fn prior_at(at: u32) -> Element {
  return prior[(at - params.prior_base) / WIDTH];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let within = gid.x * WIDTH;
  if (within >= params.area) { return; }
  let plane = params.first_plane + gid.y;
  let first = plane * params.channels * params.area + within;
  let of_scan = plane / params.depth * (2u * CONTRASTS + 1u) * params.components;
  for (var c = 0u; c < CONTRASTS; c++) {
    x[c] = scan[((plane * CONTRASTS + c) * params.area + within - params.scan_base) / WIDTH];
  }

  var largest = Element(-3.4e38);
  for (var k = 0u; k < params.channels; k++) {
    let log_prior = within_prior(Element(0.0), prior_at(first + k * params.area));
    for (var m = starts[k]; m < starts[k + 1u]; m++) { largest = max(largest, likelihood(of_scan + m) + log_prior); }
  }
  var total = Element(0.0);
  for (var k = 0u; k < params.channels; k++) {
    let log_prior = within_prior(Element(0.0), prior_at(first + k * params.area));
    var sum = Element(0.0);
    for (var m = starts[k]; m < starts[k + 1u]; m++) { sum += exp_of(likelihood(of_scan + m) + log_prior - largest); }
    total += sum;
    output[(first + k * params.area - params.output_base) / WIDTH] = StoredOutput(sum);
  }
  let scale = (1.0 - params.outliers) / total;
  for (var k = 0u; k < params.channels; k++) {
    let at = first + k * params.area;
    let to = (at - params.output_base) / WIDTH;
    output[to] = StoredOutput(Element(output[to]) * scale + params.outliers * prior_at(at));
  }
}
