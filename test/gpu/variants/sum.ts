import type { Flags, Variants } from '../kernel-variants.js'

const impossible = ({ DOT, SQUARED }: Flags) => (DOT && SQUARED ? 'a sum is of one kind' : undefined)

export const variants: Variants = { forward: { impossible }, backward: { impossible } }
