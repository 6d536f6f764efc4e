import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  apply: {
    impossible: ({ BACKWARD, BIAS }) =>
      BACKWARD && BIAS ? 'gradients do not depend on the bias' : undefined,
  },
  finish: {
    impossible: ({ BACKWARD, WEIGHT }) =>
      WEIGHT && !BACKWARD ? 'statistics do not depend on the weight' : undefined,
  },
}
