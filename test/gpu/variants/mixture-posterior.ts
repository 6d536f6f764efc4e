import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    parts: () => [{ consts: { CONTRASTS: 1 } }, { consts: { CONTRASTS: 3 } }],
    impossible: ({ LOG_PRIOR }) =>
      LOG_PRIOR ? undefined : 'a mixture always has the logarithm of its prior',
  },
}
