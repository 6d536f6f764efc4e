import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  forward: {
    parts: () => ['ADD', 'SUBTRACT', 'MULTIPLY', 'DIVIDE'].map((KIND) => ({ consts: { KIND } })),
    impossible: ({ NUMBER_LEFT, NUMBER_RIGHT, BROADCAST, VECTOR }) =>
      NUMBER_LEFT && NUMBER_RIGHT
        ? 'one operand must be a value'
        : BROADCAST && VECTOR
          ? 'what is repeated is walked number by number'
          : undefined,
  },
}
