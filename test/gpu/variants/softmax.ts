import type { Variants } from '../kernel-variants.js'

const parts = () => [{ consts: { CHANNELS: 1 } }, { consts: { CHANNELS: 14 } }]

export const variants: Variants = { forward: { parts }, backward: { parts } }
