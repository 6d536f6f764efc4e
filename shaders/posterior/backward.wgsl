// Gradient of posterior/forward.wgsl with respect to the logits; none flows where the prior rules a class out.
//
//   t[c] = grad_probabilities[c] + grad_divergence * (log(posterior[c] / p[c]) + 1)
//   y = softmax((l + gumbel(u)) / tau), the soft sample, whose gradient the hard one uses
//   grad_logits[c] = posterior[c] (t[c] - sum_k t[k] posterior[k])
//                  + y[c] (grad_sample[c] - sum_k grad_sample[k] y[k]) / tau
//
// If an incoming gradient is missing, its terms are left out; with SCALED, grad_probabilities is multiplied by a scalar. The soft
// sample follows from the posterior, y[c] ~ (posterior[c] / -log u[c])^(1 / tau), and the noise from its counter.
// Mapping: one invocation per voxel, its channels in named registers (lines `#each`, repeated for every channel);
// gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  area: u32,
  first_plane: u32,
  threshold: f32,
// #if ${GRAD_SAMPLE}
  tau: f32,
// #endif
  posterior_base: u32,
  prior_base: u32,
// #if ${GRAD_SAMPLE}
// #if ${NOISE}
  noise_base: u32,
// #endif
  grad_sample_base: u32,
// #endif
// #if ${GRAD_PROBABILITIES}
  grad_probabilities_base: u32,
// #endif
  grad_logits_base: u32,
}

const CHANNELS = 1u; // #set
const GROUPS = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredPosterior = f32; // #stored posterior
@group(0) @binding(1) var<storage, read> posterior: array<StoredPosterior>;
@group(0) @binding(2) var<storage, read> prior: array<f32>;
// #if ${GRAD_SAMPLE}
// #if ${NOISE}
@group(0) @binding(3) var<storage, read> noise: array<f32>;
// #else
@group(0) @binding(3) var<storage, read> counter: array<u32, 2>; // seed, step
// #endif
alias StoredGradSample = f32; // #stored grad_sample
@group(0) @binding(5) var<storage, read> grad_sample: array<StoredGradSample>;
// #endif
// #if ${GRAD_PROBABILITIES}
alias StoredGradProbabilities = f32; // #stored grad_probabilities
@group(0) @binding(4) var<storage, read> grad_probabilities: array<StoredGradProbabilities>;
// #if ${SCALED}
@group(0) @binding(8) var<storage, read> scale_probabilities: array<f32>;
// #endif
// #endif
@group(0) @binding(6) var<storage, read> grad_divergence: array<f32>;
alias StoredGradLogits = f32; // #stored grad_logits
@group(0) @binding(7) var<storage, read_write> grad_logits: array<StoredGradLogits>;

// #include common/math
// #include common/gumbel
// #include common/noise

// #if ${GRAD_SAMPLE}
// x^(1/tau) of x in 0..1
fn sharpened(x: f32) -> f32 {
// #if ${TWO_THIRDS}
  return x * sqrt(x);
// #else
  return exp_exact(log_exact(max(x, 0x1p-126)) / params.tau);
// #endif
}
// #endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let plane = params.first_plane + gid.y;
  let first = plane * CHANNELS * params.area + gid.x;
  let known = first - params.prior_base;
  let source = first - params.posterior_base;
  // #each CHANNELS let p$ = prior[known + $u * params.area];
  // #each CHANNELS let pi$ = f32(posterior[source + $u * params.area]);

  var mass = 0.0;
  // #each CHANNELS mass += p$ + 1e-12;
  let weight = grad_divergence[0];
  // A probability of 0 has the logarithm of the least positive number, and no share in the mean.
  // #each CHANNELS let ratio$ = max(pi$, 0x1p-80) * mass / (p$ + 1e-12);
// #if ${GRAD_PROBABILITIES}
  let incoming = first - params.grad_probabilities_base;
// #if ${SCALED}
  let factor = scale_probabilities[0];
// #else
  let factor = 1.0;
// #endif
  // #each CHANNELS let t$ = factor * f32(grad_probabilities[incoming + $u * params.area]) + weight * (log_exact(ratio$) + 1.0);
// #else
  // #each CHANNELS let t$ = weight * (log_exact(ratio$) + 1.0);
// #endif
  var mean = 0.0;
  // #each CHANNELS mean += pi$ * t$;

// #if ${GRAD_SAMPLE}
// #if ${NOISE}
  let random = first - params.noise_base;
  // #each CHANNELS let u$ = noise[random + $u * params.area];
// #else
  let voxel = plane * params.area + gid.x;
  let uniforms = array<vec4f, GROUPS>(
    // #each GROUPS noise_of(vec4u(voxel, $u, counter[1], counter[0])),
  );
  // #each CHANNELS let u$ = uniforms[$u / 4u][$u % 4u];
// #endif
  var largest = 0.0;
  // #each CHANNELS let w$ = pi$ / waiting_time(u$); largest = max(largest, w$);
  let inverse = 1.0 / largest;
  var total = 0.0;
  // #each CHANNELS let y$ = sharpened(w$ * inverse); total += y$;
  let sampled = first - params.grad_sample_base;
  // #each CHANNELS let g$ = f32(grad_sample[sampled + $u * params.area]);
  var inner = 0.0;
  // #each CHANNELS inner += g$ * y$;
  inner /= total;
  let scale = 1.0 / (total * params.tau);
// #endif

  let to = first - params.grad_logits_base;
// #if ${GRAD_SAMPLE}
  // #each CHANNELS grad_logits[to + $u * params.area] = StoredGradLogits(select(pi$ * (t$ - mean) + y$ * (g$ - inner) * scale, 0.0, p$ < params.threshold));
// #else
  // #each CHANNELS grad_logits[to + $u * params.area] = StoredGradLogits(select(pi$ * (t$ - mean), 0.0, p$ < params.threshold));
// #endif
}
