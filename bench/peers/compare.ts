import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Largest relative error that counts as right. */
export const tolerance = 1e-3

/**
 * Largest relative error (L2) among the result files of two folders. For `labels` it is the share that differs, because
 * differences of labels have no meaning.
 *
 * @throws Error if a result of the trusted folder is missing or has another length
 */
export function compareResults(folder: string, trusted: string): number {
  let worst = 0
  for (const file of readdirSync(trusted)) {
    if (!existsSync(join(folder, file))) throw new Error(`no result ${file}`)
    const [actual, expected] = [numbersOf(join(folder, file)), numbersOf(join(trusted, file))]
    if (actual.length !== expected.length) {
      throw new Error(`${file}: ${actual.length} elements, not ${expected.length}`)
    }
    const error = file === 'labels.f32' ? share(actual, expected) : relative(actual, expected)
    worst = Number.isNaN(error) ? Infinity : Math.max(worst, error)
  }
  return worst
}

function relative(actual: Float32Array, expected: Float32Array): number {
  let [difference, norm] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2
    norm += expected[i]! ** 2
  }
  // The gradient of a unit that never fires is 0 everywhere, for every peer.
  return difference === 0 ? 0 : Math.sqrt(difference / norm)
}

function share(actual: Float32Array, expected: Float32Array): number {
  return actual.reduce((count, label, i) => count + Number(label !== expected[i]), 0) / expected.length
}

function numbersOf(file: string): Float32Array {
  const bytes = readFileSync(file)
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}
