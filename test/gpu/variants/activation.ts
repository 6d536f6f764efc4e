import type { Variants } from '../kernel-variants.js'

const parts = () => Array.from({ length: 13 }, (_, KIND) => ({ consts: { KIND } }))

export const variants: Variants = { forward: { parts }, backward: { parts } }
