import type { Variants } from './variants.js'

const parts = () => Array.from({ length: 13 }, (_, KIND) => ({ consts: { KIND } }))

export const variants: Variants = { forward: { parts }, backward: { parts } }
