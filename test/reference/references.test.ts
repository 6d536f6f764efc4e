/** Every backward function against central differences of its forward function, in float64, at the cases it brings. */
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { gradientError } from './finite-differences.js'
import type { GradientCases } from './gradient-cases.js'
import { mulberry32, uniform } from './nd-array.js'

const stems = readdirSync(import.meta.dirname).flatMap((name) => /^([\w-]+)\.ts$/.exec(name)?.[1] ?? [])

/** Backward functions that other references check: those that they are made of, or that they make up. */
const checkedElsewhere = ['normalise', 'posterior']

for (const stem of stems) {
  const reference = (await import(`./${stem}.ts`)) as Record<string, unknown>
  if (!Object.keys(reference).some((name) => /backward$/i.test(name)) || checkedElsewhere.includes(stem))
    continue

  describe(stem, () => {
    const random = mulberry32(20)
    const gradientCases = reference.gradientCases as GradientCases | undefined
    const cases = gradientCases?.((shape, low = -1, high = 1) => uniform(shape, random, low, high)) ?? {}

    it('brings cases for its gradient', () => {
      expect(Object.keys(cases)).not.toEqual([])
    })

    it.each(Object.entries(cases))('%s: gradient', (_, args) => {
      expect(args).not.toEqual([])
      for (const { name, f, x, backward } of args) {
        const gradOutput = uniform(f(x).shape, random)
        expect(gradientError({ f, x, gradOutput, gradient: backward(gradOutput) }), name).toBeLessThan(1e-6)
      }
    })
  })
}
