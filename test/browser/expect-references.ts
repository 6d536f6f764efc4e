import { expect } from 'vitest'
import * as reference from '../reference/noise.js'
import { hash, hashedNoise, type CoreResult } from './core.js'

/** Expects every row of a run to be right, and the noise to have the reference's bits. */
export async function expectReferences({ rows, noise }: CoreResult): Promise<void> {
  expect(rows.length).toBeGreaterThan(80)
  expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([])
  const { shape, seed, step } = hashedNoise
  expect(noise).toBe(await hash(Float32Array.from(reference.uniformNoise(shape, seed, step).data)))
}
