import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    impossible: ({ BROADCAST, VECTOR }) =>
      BROADCAST && VECTOR ? 'what is repeated is walked number by number' : undefined,
  },
}
