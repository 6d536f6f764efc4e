import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: { parts: () => [{ consts: { CHANNELS: 1 } }, { consts: { CHANNELS: 14 } }] },
}
