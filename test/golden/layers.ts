import type { Builder } from './builder.js'

/** Activations, normalisation, linear layers and losses of `ops_general.safetensors`. */
export const layers: readonly Builder[] = []
