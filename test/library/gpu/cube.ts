import { elementwiseOp, type ShaderSource, type Value } from '../../../src/index.js'

const shader: ShaderSource = {
  name: 'cube',
  text: `
// output = x^3, or grad = factor * 3 x^2 * grad_output. Mapping: one invocation per element.
struct Params {
  first: u32,
  count: u32,
  x_base: u32,
  output_base: u32,
// #if \${BACKWARD}
  grad_output_base: u32,
  factor: f32,
// #endif
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> output: array<Element>;
// #if \${BACKWARD}
@group(0) @binding(3) var<storage, read> grad_output: array<Element>;
// #endif
const SHIFT = 0.0; // #set
// #include common/math
// #include common/linear
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let value = x[i - params.x_base / WIDTH];
// #if \${BACKWARD}
  let slope = params.factor * 3.0 * value * value + SHIFT;
  output[i - params.output_base / WIDTH] = slope * grad_output[i - params.grad_output_base / WIDTH];
// #else
  output[i - params.output_base / WIDTH] = value * value * value * exp_exact(SHIFT);
// #endif
}
`,
}

/** An op as somebody outside the package writes it: x^3, with a gradient that is `factor` times the right one. */
export function cube(x: Value, factor = 1): Value {
  const kernel = { shader, consts: { SHIFT: 0 } }
  return elementwiseOp({
    ...kernel,
    name: 'cube',
    flags: { BACKWARD: false },
    inputs: { x },
    backward: (gradOutput) => ({
      x: elementwiseOp({
        ...kernel,
        name: 'cube backward',
        flags: { BACKWARD: true },
        params: { factor },
        inputs: { x, grad_output: gradOutput },
      }),
    }),
  })
}
