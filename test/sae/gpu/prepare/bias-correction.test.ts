import { describe, expect, it } from 'vitest'
import { makePhantom } from '../../../../src/sae/phantom/phantom.js'
import { correctBias } from '../../../../src/sae/prepare/bias-correction.js'
import { Random } from '../../../../src/sae/phantom/random.js'
import type { SpatialShape } from '../../../../src/sae/shape.js'
import { useGpu } from '../../../gpu.js'

const device = useGpu()
const shape: SpatialShape = [40, 48, 40]
const [D, H, W] = shape

/** Cortex and white matter of a phantom, painted as fluid, grey and white matter, without any field. */
const tissues = (() => {
  const { labels } = makePhantom({ shape, subjects: 1 }).subjects[0]!
  const random = new Random(4)
  const mask = labels.map((label) => (label === 0 ? 0 : 1))
  const clean = Float32Array.from(labels, (label) =>
    label === 0 ? 0 : 100 * ([0, 0.5, 0.8, 0.2][label] ?? 0.5) + 2 * random.normal(),
  )
  return { labels, mask, clean }
})()

/** A field that no cosine of the fitted ones is, from about 0.6 to 1.5. */
const truth = Float32Array.from({ length: D * H * W }, (_, i) => {
  const [d, h, w] = [Math.floor(i / (H * W)) / D, (Math.floor(i / W) % H) / H, (i % W) / W]
  return Math.exp(0.5 * (d - 0.5) + 0.8 * (h - 0.4) ** 2 - 0.6 * w * h)
})

/** Standard deviation over mean of a tissue. */
function variation(scan: Float32Array, tissue: number): number {
  const values = scan.filter((_, i) => tissues.labels[i] === tissue)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) / mean
}

function correlation(a: Float32Array, b: Float32Array): number {
  const inside = (values: Float32Array) => values.filter((_, i) => tissues.mask[i] === 1).map(Math.log)
  const centred = (values: Float32Array) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return values.map((value) => value - mean)
  }
  const [x, y] = [centred(inside(a)), centred(inside(b))]
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, value, i) => sum + value * q[i]!, 0)
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))
}

describe('correctBias', () => {
  it.each([[1], [2]])(
    'removes a field of which nothing is known, tissues in the units of %i',
    async (units) => {
      const scan = tissues.clean.map((value, i) => units * value * truth[i]!)
      const { corrected, field } = await correctBias(device.gpu, scan, tissues.mask, shape)
      expect(correlation(field, truth)).toBeGreaterThan(0.99)
      for (const tissue of [1, 2]) {
        // Noise alone is 4 and 2.5 %; the field makes it 15 % or so.
        expect(variation(scan, tissue)).toBeGreaterThan(3 * variation(tissues.clean, tissue))
        expect(variation(corrected, tissue)).toBeLessThan(1.15 * variation(tissues.clean, tissue))
      }
      corrected.forEach((value, i) => {
        expect(value).toBe(Math.fround(scan[i]! / field[i]!))
      })
    },
  )

  it('leaves a scan without a field as it is, within 1 %', async () => {
    const { field } = await correctBias(device.gpu, tissues.clean, tissues.mask, shape)
    const inside = field.filter((_, i) => tissues.mask[i] === 1)
    expect(Math.max(...inside.map((value) => Math.abs(value - 1)))).toBeLessThan(0.01)
  })

  it('refuses an empty mask', async () => {
    const empty = new Uint8Array(D * H * W)
    await expect(correctBias(device.gpu, tissues.clean, empty, shape)).rejects.toThrow('the mask is empty')
  })
})
