import { shaderSources } from '../../shader-sources.js'
import type { Variants } from '../kernel-variants.js'

/** Every kind that the kernel knows. */
const parts = () =>
  [...shaderSources.get('arithmetic/forward')!.matchAll(/^const (\w+) = \d+u;$/gm)].map(([, KIND]) => ({
    consts: { KIND: KIND! },
  }))

export const variants: Variants = {
  forward: {
    parts,
    impossible: ({ A_NUMBER, B_NUMBER, BROADCAST, VECTOR }) =>
      A_NUMBER && B_NUMBER
        ? 'one operand must be a value'
        : BROADCAST && VECTOR
          ? 'what is repeated is walked number by number'
          : undefined,
  },
}
