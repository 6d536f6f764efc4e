import type { Formats } from './format.js'
import { tables } from './tables.js'
import { volumes } from './volumes.js'
import { weights } from './weights.js'

/** All formats, by name. */
export const formats: Formats = { ...volumes, ...weights, ...tables }
