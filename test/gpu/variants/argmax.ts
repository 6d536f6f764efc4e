import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    impossible: ({ LOG_PRIOR, PRIOR }) => (LOG_PRIOR && !PRIOR ? 'there is no prior' : undefined),
  },
}
