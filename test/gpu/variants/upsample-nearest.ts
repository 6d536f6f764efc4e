import type { Variants } from '../kernel-variants.js'

const parts = () => [2, 3].map((scale) => ({ consts: { SCALE_D: 1, SCALE_H: scale, SCALE_W: scale } }))

export const variants: Variants = { forward: { parts }, backward: { parts } }
