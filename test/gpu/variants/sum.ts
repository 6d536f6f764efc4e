import type { Flags, Variants } from './variants.js'

const impossible = ({ DOT, SQUARED }: Flags) => (DOT && SQUARED ? 'a sum is of one kind' : undefined)

export const variants: Variants = { forward: { impossible }, backward: { impossible } }
