import { expect } from 'vitest'
import { relativeError } from '../reference/nd-array.js'
import type { CoreResult } from './core.js'

/** As in the golden tests. */
const tolerance = { loss: 1e-5, weight: 1e-3 }

/** Losses and weights of the small training run are those of another place. */
export function expectSameTraining(
  { training: actual }: CoreResult,
  { training: expected }: CoreResult,
): void {
  expect(actual.losses.length).toBe(expected.losses.length)
  for (const [i, losses] of expected.losses.entries()) {
    for (const [term, loss] of losses.entries()) {
      const error = relativeError([actual.losses[i]![term]!], [loss])
      expect(error, `step ${i + 1}, term ${term}`).toBeLessThanOrEqual(tolerance.loss)
    }
  }
  expect(Object.keys(actual.weights)).toEqual(Object.keys(expected.weights))
  for (const [name, weights] of Object.entries(expected.weights)) {
    expect(relativeError(actual.weights[name]!, weights), name).toBeLessThanOrEqual(tolerance.weight)
  }
}
