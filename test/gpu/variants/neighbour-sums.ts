import type { Variants } from '../kernel-variants.js'

export const variants: Variants = {
  cube: { parts: () => [{ consts: { RUN: 8 } }] },
  pass: {
    parts: () => [{ consts: { RUN: 8 } }, { consts: { RUN: 16 } }],
    impossible: ({ AXIS_X, AXIS_Y, AXIS_Z, VECTOR }) =>
      [AXIS_X, AXIS_Y, AXIS_Z].filter(Boolean).length !== 1
        ? 'a pass runs along one axis'
        : AXIS_X && VECTOR
          ? 'rows are summed one by one'
          : undefined,
  },
}
