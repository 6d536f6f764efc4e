// Gradients of the functions of activation/forward.wgsl.
//
//   grad_input = grad_output * f'(input)
//
// If f has a kink at 0, f' is the same as in PyTorch: the slope on the left, and 0 for ABS; 1 at the limits of CLAMP.
// Mapping: one invocation per element.

// #include common/activation_kinds
const KIND = 0u; // #set

struct Params {
  first: u32,
  count: u32,
  alpha: f32,
  beta: f32,
  input_base: u32,
  grad_output_base: u32,
  grad_input_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Element>;
@group(0) @binding(2) var<storage, read> grad_output: array<Element>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<Element>;

// #include common/linear
// #include common/math
// #include common/special

fn slope(x: f32) -> f32 {
  switch KIND {
    case LEAKY_RELU: { return select(params.alpha, 1.0, x > 0.0); }
    // 0.398.. is 1 / sqrt(2 pi).
    case GELU: { return normal_cdf(x) + x * 0.39894228040 * exp_exact(-0.5 * x * x); }
    case SILU: { return sigmoid(x) * fma(x, sigmoid(-x), 1.0); }
    case SIGMOID: { return sigmoid(x) * sigmoid(-x); }
    case TANH: { return 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x); }
    case SOFTPLUS: { return sigmoid(x); }
    case ELU: { return select(params.alpha * exp_exact(min(x, 0.0)), 1.0, x > 0.0); }
    case NEGATE: { return -1.0; }
    case EXP: { return exp_exact(x); }
    case LOG: { return 1.0 / x; }
    case SQRT: { return 0.5 / sqrt(x); }
    case SQUARE: { return 2.0 * x; }
    case CLAMP: { return select(0.0, 1.0, x >= params.alpha && x <= params.beta); }
    default: { return sign(x); }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let x = input[i - params.input_base / WIDTH];
// #if ${VECTOR}
  let slopes = vec4f(slope(x.x), slope(x.y), slope(x.z), slope(x.w));
// #else
  let slopes = slope(x);
// #endif
  grad_input[i - params.grad_input_base / WIDTH] = grad_output[i - params.grad_output_base / WIDTH] * slopes;
}
