// Posterior, sample and divergence in one pass over the logits of a voxel: the posterior over the classes that the prior
// supports, a sample of it (straight-through Gumbel-softmax), and its divergence from the prior.
//
//   l[c] = logits[c] - 1e12 if prior[c] < threshold, else logits[c]
//   posterior = softmax(l)
//   sample = argmax_c l[c] + gumbel(u[c]) = argmax_c e^l[c] / -log u[c], the first one in a tie, whatever the temperature
//   partials[group] = sum_voxel sum_c posterior[c] (log posterior[c] - log p[c]),  p = prior + 1e-12, normalised
//
// u is computed from (seed, step, voxel, channel) as in noise/uniform.wgsl or, with NOISE, read.
// Mapping: one invocation per voxel, its channels in named registers (lines `#each`, repeated for every channel);
// gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  area: u32,
  first_plane: u32,
  groups: u32,
  threshold: f32,
  logits_base: u32,
  prior_base: u32,
// #if ${NOISE}
  noise_base: u32,
// #endif
  posterior_base: u32,
  sample_base: u32,
}

const CHANNELS = 1u; // #set
const GROUPS = 1u; // #set
const LOWEST = -3.4e38;

@group(0) @binding(0) var<uniform> params: Params;
alias StoredLogits = f32; // #stored logits
@group(0) @binding(1) var<storage, read> logits: array<StoredLogits>;
@group(0) @binding(2) var<storage, read> prior: array<f32>;
// #if ${NOISE}
@group(0) @binding(3) var<storage, read> noise: array<f32>;
// #else
@group(0) @binding(3) var<storage, read> counter: array<u32, 2>; // seed, step
// #endif
alias StoredPosterior = f32; // #stored posterior
@group(0) @binding(4) var<storage, read_write> posterior: array<StoredPosterior>;
@group(0) @binding(5) var<storage, read_write> sample: array<u32>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;

// #include common/math
// #include common/gumbel
// #include common/noise
// #include common/workgroup_sum

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) gid: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var divergence = 0.0;
  if (gid.x < params.area) {
    let plane = params.first_plane + gid.y;
    let first = plane * CHANNELS * params.area + gid.x;
    let known = first - params.prior_base;
    let source = first - params.logits_base;
    // #each CHANNELS let p$ = prior[known + $u * params.area];
    // #each CHANNELS let free$ = f32(logits[source + $u * params.area]);
    // #each CHANNELS let l$ = select(free$, free$ - 1e12, p$ < params.threshold);

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
    var largest = LOWEST;
    // #each CHANNELS largest = max(largest, l$);
    var sum = 0.0;
    var mass = 0.0;
    // #each CHANNELS let e$ = exp_exact(l$ - largest); sum += e$; mass += p$ + 1e-12;

    var best = 0u;
    var best_e = 0.0;
    var best_time = 1.0;
    // #each CHANNELS { let time = waiting_time(u$); if (e$ * best_time > best_e * time) { best_e = e$; best_time = time; best = $u; } }
    sample[plane * params.area + gid.x - params.sample_base] = best;

    // log posterior - log p = (l - largest) - log sum - log(prior + 1e-12) + log mass; the difference comes first because it is exact
    let offset = log_exact(mass) - log_exact(sum);
    let inverse = 1.0 / sum;
    let out = first - params.posterior_base;
    // #each CHANNELS { let pi = e$ * inverse; posterior[out + $u * params.area] = StoredPosterior(pi); divergence += pi * (l$ - largest + offset - log_exact(p$ + 1e-12)); }
  }
  let total = workgroup_sum(divergence, lane);
  if (lane == 0u) { partials[(params.first_plane + group.y) * params.groups + group.x] = total; }
}
