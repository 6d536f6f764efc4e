import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: { parts: () => [{ consts: { CONTRASTS: 1 } }, { consts: { CONTRASTS: 3 } }] },
}
