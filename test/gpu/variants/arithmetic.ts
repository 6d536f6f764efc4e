import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    parts: () => [0, 1, 2, 3].map((KIND) => ({ consts: { KIND } })),
    impossible: ({ NUMBER_LEFT, NUMBER_RIGHT, BROADCAST, VECTOR }) =>
      NUMBER_LEFT && NUMBER_RIGHT
        ? 'two numbers make no value'
        : BROADCAST && VECTOR
          ? 'what is repeated is walked number by number'
          : undefined,
  },
}
