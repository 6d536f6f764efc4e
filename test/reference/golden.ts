/**
 * The golden tensors (numbers that the specification must reproduce), read from the folder named by the environment
 * variable SAE_GOLDEN, else from ../shared/golden beside the checkout.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '../../src/io/safetensors.js'
import { fromArray, type NdArray } from './nd-array.js'

export interface Golden {
  readonly names: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  /** A float64 copy of one tensor. Throws where there is none of this name. */
  tensor(name: string): NdArray
}

const folder = process.env.SAE_GOLDEN ?? fileURLToPath(new URL('../../../shared/golden', import.meta.url))

/** The file of this name, or null, said aloud, where it is missing. */
export function openGolden(name: string): Golden | null {
  const file = join(folder, name)
  if (!existsSync(file)) {
    console.warn(`SKIPPED: no golden file ${file}; set SAE_GOLDEN to the folder that holds it`)
    return null
  }
  const { tensors, metadata } = readSafetensors(readFileSync(file), name)
  return {
    names: [...tensors.keys()],
    metadata,
    tensor(tensor) {
      const found = tensors.get(tensor)
      if (!found || found.dtype === 'I64') throw new Error(`${name} holds no tensor ${tensor} of numbers`)
      return fromArray(found.shape, found.data)
    },
  }
}
