import { shaderSources } from '../../shader-sources.js'
import type { Variants } from '../kernel-variants.js'

/** Every kind that the kernels know. */
const parts = () =>
  [...shaderSources.get('common/activation_kinds')!.matchAll(/^\s*const (\w+) = /gm)].map(([, KIND]) => ({
    consts: { KIND: KIND! },
  }))

export const variants: Variants = { forward: { parts }, backward: { parts } }
