import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  copy: {
    parts: () => [{ consts: { AXES: 0 } }, { consts: { AXES: 1 } }, { consts: { AXES: 6 } }],
    impossible: ({ UNSIGNED, VECTOR }) =>
      UNSIGNED && VECTOR ? 'labels are copied one at a time' : undefined,
  },
}
