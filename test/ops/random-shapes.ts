import { describe, it } from 'vitest'
import { Random } from '../../src/sae/phantom/random.js'
import { drawFrom, type Draw } from './check.js'

/** What a random case is made with, all from its seed. */
export class Dice {
  /** Draws the numbers of arrays. */
  readonly draw: Draw
  private readonly random: Random

  constructor(seed: number) {
    this.random = new Random(seed)
    this.draw = drawFrom(seed)
  }

  /** A whole number from `least` to `most`, each as likely. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.random.uniform() * (most - least + 1))
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)]!
  }

  /** Depth, height and width: 1, primes, odd and even numbers, some beyond a tile, of at most some 1,500 voxels. */
  extents(): [number, number, number] {
    const sides = [
      this.whole(1, 5),
      this.pick([1, 2, 3, 5, 7, 9, 11]),
      this.pick([1, 2, 4, 7, 8, 13, 16, 17, 23, 33]),
    ]
    // The long side is not always the last.
    return this.pick([0, 1, 2].map((turn) => [0, 1, 2].map((axis) => sides[(axis + turn) % 3]!))) as [
      number,
      number,
      number,
    ]
  }
}

/**
 * Random cases of a property, each made from a seed of its own, which the test's name shows.
 *
 * `SAE_TEST_SEED=1234` begins at another seed, and `SAE_TEST_CASES=1` makes that many cases of each property: both
 * together repeat one case.
 */
export function randomCases(name: string, cases: number, check: (dice: Dice) => void | Promise<void>): void {
  const first = wholeOf('SAE_TEST_SEED', 1)
  const count = wholeOf('SAE_TEST_CASES', cases)
  describe(name, () => {
    for (let seed = first; seed < first + count; seed++) {
      it(`seed ${seed}`, () => check(new Dice(seed)))
    }
  })
}

function wholeOf(variable: string, otherwise: number): number {
  const text = process.env[variable]
  const value = text ? Number(text) : otherwise
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`${variable} must be a whole number of at least 0, not "${text ?? ''}"`)
  return value
}
