import { expect, it } from 'vitest'
import {
  filledWith,
  gainOf,
  kaimingNormal,
  kaimingUniform,
  linearLayer,
  normalWith,
  seededRandom,
  xavierNormal,
  xavierUniform,
  type Initialiser,
} from '../../src/nn/index.js'

const shape = [24, 16, 3, 3, 3]
const count = 24 * 16 * 27
const mean = (numbers: Float32Array) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length
const deviation = (numbers: Float32Array) =>
  Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length - mean(numbers) ** 2)

/** Deviation of PyTorch's initialisers for this shape: gain / sqrt(fan), fans 432 and 648. */
const deviations: Record<string, [(random: () => number) => Initialiser, number]> = {
  'kaiming, ReLU': [(random) => kaimingUniform(random), Math.sqrt(2 / 432)],
  'kaiming, leaky ReLU, fan out': [
    (random) => kaimingUniform(random, { fan: 'out', gain: gainOf('leakyRelu', 0.2) }),
    Math.sqrt(2 / 1.04 / 648),
  ],
  'kaiming, normal': [(random) => kaimingNormal(random), Math.sqrt(2 / 432)],
  xavier: [(random) => xavierUniform(random), Math.sqrt(2 / 1080)],
  'xavier, normal, tanh': [(random) => xavierNormal(random, gainOf('tanh')), (5 / 3) * Math.sqrt(2 / 1080)],
}

it.each(Object.entries(deviations))('%s', (name, [initialiser, expected]) => {
  const numbers = initialiser(seededRandom(1))(shape)
  expect(numbers.length).toBe(count)
  expect(Math.abs(deviation(numbers) / expected - 1)).toBeLessThan(0.02)
  expect(Math.abs(mean(numbers))).toBeLessThan((4 * expected) / Math.sqrt(count))
  const largest = Math.max(...numbers.map(Math.abs)) / expected
  // A uniform distribution ends at sqrt(3) deviations, a normal one goes on: of 10368 numbers, some beyond 3.
  if (name.includes('normal')) expect(largest).toBeGreaterThan(3)
  else expect(Math.abs(largest / Math.sqrt(3) - 1)).toBeLessThan(1e-3)
  expect(initialiser(seededRandom(1))(shape)).toEqual(numbers)
  expect(initialiser(seededRandom(2))(shape)).not.toEqual(numbers)
})

it('a normal distribution has the tails of one', () => {
  const numbers = normalWith(seededRandom(3), 2)([40_000])
  const beyond = (x: number) => numbers.filter((y) => Math.abs(y) > 2 * x).length / numbers.length
  expect(Math.abs(beyond(1) - 0.3173)).toBeLessThan(0.01)
  expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.005)
})

it('layers begin as they are told, else as in PyTorch', () => {
  const [weight, bias] = linearLayer('head', 3, 2, Math.random, {
    weight: filledWith(0.5),
    bias: filledWith(-1),
  }).parameters
  expect([...weight!.initial!, ...bias!.initial!]).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, -1, -1])
  const usual = linearLayer('head', 64, 500, seededRandom(1)).parameters
  for (const { initial } of usual) {
    const largest = Math.max(...(initial as Float32Array).map(Math.abs))
    expect(largest).toBeLessThanOrEqual(1 / 8)
    expect(largest).toBeGreaterThan(0.98 / 8)
  }
})

it('needs two extents to count fans', () => {
  expect(() => kaimingNormal(Math.random)([3])).toThrow('[3]')
})
