import type { Variants } from '../kernel-variants.js'

const parts = () => [1, 14].map((CHANNELS) => ({ consts: { CHANNELS, GROUPS: Math.ceil(CHANNELS / 4) } }))

export const variants: Variants = { forward: { parts }, backward: { parts } }
