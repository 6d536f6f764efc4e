// Functions of one number, element by element.
//
//   output = f(input)
//
// f by KIND, named as in PyTorch; alpha is the negative slope of LEAKY_RELU, the alpha of ELU and the lower limit of CLAMP,
// beta the upper one. For LOG they are the logarithms of negative numbers and of 0, NaN and -infinity, which WGSL cannot write.
// f(NaN) is NaN.
// Mapping: one invocation per element.

// #include common/activation_kinds
const KIND = 0u; // #set

struct Params {
  first: u32,
  count: u32,
  alpha: f32,
  beta: f32,
  input_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Element>;
@group(0) @binding(2) var<storage, read_write> output: array<Element>;

// #include common/linear
// #include common/math
// #include common/special

fn f(x: f32) -> f32 {
  switch KIND {
    case LEAKY_RELU: { return select(params.alpha * x, x, x > 0.0); }
    case GELU: { return x * normal_cdf(x); }
    case SILU: { return x * sigmoid(x); }
    case SIGMOID: { return sigmoid(x); }
    case TANH: {
      // Computed from the value nearer to 0, so that neither end cancels or overflows.
      let e = expm1_exact(-2.0 * abs(x));
      return sign(x) * -e / (2.0 + e);
    }
    case SOFTPLUS: { return max(x, 0.0) + log1p_exact(exp_exact(-abs(x))); }
    case ELU: { return select(params.alpha * expm1_exact(min(x, 0.0)), x, x > 0.0); }
    case NEGATE: { return -x; }
    case EXP: { return exp_exact(x); }
    case LOG: {
      let finite = select(log_exact(x), x, x > 3.4028234e38);
      return select(select(finite, params.beta, x == 0.0), params.alpha, x < 0.0);
    }
    case SQRT: { return sqrt(x); }
    case SQUARE: { return x * x; }
    case CLAMP: {
      // The upper limit wins, as in PyTorch, and NaN stays.
      let raised = select(x, params.alpha, x < params.alpha);
      return select(raised, params.beta, raised > params.beta);
    }
    default: { return abs(x); }
  }
}

// By its bits, because drivers may assume that there is no NaN.
fn or_nan(x: f32) -> f32 {
  return select(f(x), x, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let x = input[i - params.input_base / WIDTH];
  let to = i - params.output_base / WIDTH;
// #if ${VECTOR}
  output[to] = vec4f(or_nan(x.x), or_nan(x.y), or_nan(x.z), or_nan(x.w));
// #else
  output[to] = or_nan(x);
// #endif
}
