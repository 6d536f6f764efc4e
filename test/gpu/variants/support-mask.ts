import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    impossible: ({ LOG_PRIOR, BACKWARD }) =>
      LOG_PRIOR && BACKWARD ? 'its gradient is the incoming one' : undefined,
  },
}
