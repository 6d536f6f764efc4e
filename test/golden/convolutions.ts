import type { Builder } from './builder.js'

/** Convolutions, pooling and resampling of `ops_general.safetensors`. */
export const convolutions: readonly Builder[] = []
