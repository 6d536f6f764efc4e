import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  apply: {
    impossible: ({ BACKWARD, BIAS, RELU }) =>
      BACKWARD && BIAS
        ? 'gradients do not depend on the bias'
        : BACKWARD && RELU
          ? "a ReLU's gradient is a pass of its own"
          : undefined,
  },
  finish: {
    impossible: ({ BACKWARD, WEIGHT }) =>
      WEIGHT && !BACKWARD ? 'statistics do not depend on the weight' : undefined,
  },
}
