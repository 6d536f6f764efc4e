import type { Random } from '../../src/sae/phantom/random.js'

/**
 * A random field of one wavelength: plane waves in all directions. Its zeros wind like the sulci of a cortex, evenly
 * spaced at half the wavelength.
 */
export class Waves {
  /** Of each wave: three components of its wave vector, then its phase. */
  private readonly waves: Float64Array

  /** @param wavelength in millimetres; each wave draws its own within a fifth of it */
  constructor(random: Random, wavelength: number, count = 28) {
    this.waves = new Float64Array(4 * count)
    for (let k = 0; k < 4 * count; k += 4) {
      const direction = [random.normal(), random.normal(), random.normal()] as const
      const length = (2 * Math.PI) / (wavelength * (1 + random.within(0.2)) * Math.hypot(...direction))
      direction.forEach((component, axis) => (this.waves[k + axis] = component * length))
      this.waves[k + 3] = 2 * Math.PI * random.uniform()
    }
  }

  /** The value at a point, of variance 1, and its gradient: [value, d/dx, d/dy, d/dz]. */
  at(x: number, y: number, z: number): [number, number, number, number] {
    const { waves } = this
    const gain = Math.sqrt(8 / waves.length)
    const sum: [number, number, number, number] = [0, 0, 0, 0]
    for (let k = 0; k < waves.length; k += 4) {
      const [a, b, c] = [waves[k]!, waves[k + 1]!, waves[k + 2]!]
      const phase = a * x + b * y + c * z + waves[k + 3]!
      const slope = -gain * Math.sin(phase)
      sum[0] += gain * Math.cos(phase)
      sum[1] += slope * a
      sum[2] += slope * b
      sum[3] += slope * c
    }
    return sum
  }
}
