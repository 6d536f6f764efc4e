import { seededRandom } from '../../nn/index.js'

/**
 * Seeded noise from integer steps and `+ - *` alone, which IEEE 754 rounds the same way everywhere: a seed gives the
 * same bits on every machine. (How `Math.sin`, `exp` and `log` round is left to the JavaScript engine.)
 */
export class Random {
  /** Uniform in [0, 1). */
  readonly uniform: () => number

  constructor(seed: number) {
    this.uniform = seededRandom(seed)
  }

  /** Uniform in [-limit, limit). */
  within(limit: number): number {
    return (2 * this.uniform() - 1) * limit
  }

  /** Nearly normal, mean 0, variance 1: four uniforms summed (Irwin-Hall), so never beyond 3.5. */
  normal(): number {
    return (this.uniform() + this.uniform() + this.uniform() + this.uniform() - 2) * 1.7320508075688772
  }

  /** A generator of its own stream. */
  fork(): Random {
    return new Random(this.uniform() * 2 ** 32)
  }
}
