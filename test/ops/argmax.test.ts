import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { argmaxOf } from '../../src/ops/argmax.js'
import { argmax, argmaxOnly, conv3d, type ArgmaxOptions } from '../../src/ops/index.js'
import { evaluate, useGpu, withOtherTiles } from '../gpu.js'
import * as conv from '../reference/conv3d.js'
import * as reference from '../reference/argmax.js'
import { forEachVoxel, map, type NdArray } from '../reference/nd-array.js'
import * as supportMask from '../reference/support-mask.js'
import { drawFrom, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(7)

describe('argmax', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 1],
    [3, 33],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, async () => {
        await expectArgmax(draw(shape))
        await expectArgmax(map(draw(shape, -2, 2), Math.round))
      })
      it(`[${shape.join(', ')}] among the classes that a prior allows`, async () => {
        const prior = drawPrior(shape, Math.fround(2e-8))
        await expectArgmax(draw(shape), prior)
        await expectArgmax(map(draw(shape, -2, 2), Math.round), prior)
        await expectArgmax(draw(shape), map(prior, () => 0))
        await expectArgmax(draw(shape, -9, 9), prior, Math.fround(1e-7))
      })
    }

  for (const counts of [[3, 1, 1, 4, 5], [14], [1, 13]])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [2, 14, ...extent]
      it(`[${shape.join(', ')}] of classes of ${counts.join(', ')} channels`, async () => {
        const prior = drawPrior(shape)
        await expectLikelyClass(draw(shape, -5, 5), counts)
        await expectLikelyClass(draw(shape, -5, 5), counts, prior)
        await expectLikelyClass(draw(shape, -99, 99), counts, prior)
        await expectLikelyClass(draw(shape, -1, 1), counts, prior, Math.fround(1e-7))
        await expectLikelyClass(draw(shape), counts, map(prior, () => 0))
      })
    }

  it('takes classes of one channel each as they are', () => {
    const counts = [1, 1, 1]
    expect(argmaxOf(input('x', [1, 3, 2, 2, 2]), { counts }).inputs.starts).toBeUndefined()
  })

  it('refuses classes that do not make up the channels', () => {
    for (const counts of [[], [1, 1], [1, 3], [3, 0], [1.5, 1.5]])
      expect(() => argmax(input('x', [1, 3, 2, 2, 2]), { counts })).toThrow(
        `argmax: 3 channels cannot be classes of ${counts.join(', ')} channels`,
      )
  })

  it('takes the first class if all scores are masked, else the largest that is not', async () => {
    await expectArgmax(map(draw([2, 5, 2, 3, 5]), () => Math.fround(-1e12)))
    await expectArgmax(map(draw([1, 5, 2, 3, 5]), (x, i) => (i % 7 === 0 ? x : Math.fround(-1e12))))
  })

  it('refuses a prior of another shape, and its logarithm without one', () => {
    expect(() => argmax(input('x', [1, 14, 2, 2, 2]), { least: 1e-7 })).toThrow(
      'argmax: `least` needs a prior',
    )
    expect(() => argmax(input('x', [1, 14, 2, 2, 2]), { prior: input('prior', [1, 13, 2, 2, 2]) })).toThrow(
      'argmax: x [1, 14, 2, 2, 2] and prior [1, 13, 2, 2, 2] must have the same shape',
    )
  })
})

describe('argmax of a convolution that nothing else reads', () => {
  const kernels = {
    'as on this device': (body: () => Promise<void>) => body(),
    'as on another': (body: () => Promise<void>) => withOtherTiles(device.gpu, body),
  }

  for (const [shape, channels, kernel] of [
    [[1, 1, 1, 1, 1], 1, 1],
    [[2, 3, 2, 3, 5], 14, 3],
    [[1, 14, 7, 11, 13], 14, 3],
    [[2, 5, 3, 5, 20], 16, 3],
    [[1, 4, 3, 34, 36], 6, 1],
    [[1, 1, 33, 34, 36], 5, 3],
    [[1, 1, 2, 512, 516], 3, 3],
    [[1, 1, 2, 512, 515], 2, 3],
  ] as const)
    for (const [name, run] of Object.entries(kernels)) {
      it(`[${shape.join(', ')}], ${channels} channels, kernel ${kernel}, ${name}`, () =>
        run(async () => {
          const feeds = {
            x: draw(shape),
            w: draw([channels, shape[1], kernel, kernel, kernel]),
            b: draw([channels]),
          }
          const logits = conv.forward(feeds.x, feeds.w, feeds.b)
          const prior = drawPrior(logits.shape)
          const least = Math.fround(1e-7)
          const counts = channels > 3 ? [2, 1, channels - 3] : [channels]
          const { any, allowed, likely, likelyPart } = await evaluate(
            device.gpu,
            { ...feeds, prior },
            ({ x, w, b, prior }) => {
              const of = (options: ArgmaxOptions) =>
                argmaxOnly(conv3d(x!, w!, b, { padding: 'same' }), options)
              return {
                any: of({}),
                allowed: of({ prior }),
                likely: of({ prior, least }),
                likelyPart: of({ prior, least, counts }),
              }
            },
            ['w', 'b'],
          )
          expectLargest(any, logits)
          expectLargest(allowed, scored(logits, prior))
          expectLargest(likely, scored(logits, prior, least))
          expectLargest(likelyPart, reference.ofClasses(scored(logits, prior, least), counts))
        }))
    }

  it('reads an upsampled volume', async () => {
    const feeds = {
      coarse: draw([2, 2, 3, 5, 12]),
      skip: draw([2, 3, 6, 10, 24]),
      w: draw([5, 5, 3, 3, 3]),
    }
    const { together, apart } = await evaluate(
      device.gpu,
      feeds,
      ({ coarse, skip, w }) => {
        const scores = () => conv3d({ coarse: coarse!, skip: skip! }, w!, undefined, { padding: 'same' })
        return { together: argmaxOnly(scores()), apart: argmax(scores()) }
      },
      ['w'],
    )
    expect(new Set(apart.data).size).toBe(5)
    expectSameBits(together, apart, 'argmax')
  })

  it('is one pass if the channels fit into a tile, and two if not, or if there is an activation', () => {
    const opOf = (channels: number, activation: 'none' | 'relu') =>
      argmaxOnly(
        conv3d(
          input('x', [1, 1, 2, 3, 5]),
          input('w', [channels, 1, 3, 3, 3], { layout: 'flat' }),
          undefined,
          {
            padding: 'same',
            activation,
          },
        ),
      ).node!.op
    expect([opOf(16, 'none'), opOf(17, 'none'), opOf(16, 'relu')]).toEqual([
      'conv3d argmax',
      'argmax',
      'argmax',
    ])
    expect(argmaxOnly(input('x', [1, 2, 2, 3, 5])).node!.op).toBe('argmax')
  })
})

/**
 * A prior of which a third is 0 and a third is times `faint`. By chance, not by index: in a volume of 3 n voxels, every third index
 * would rule out all classes of a voxel or none.
 */
function drawPrior(shape: readonly number[], faint = 1): NdArray {
  const kinds = draw(shape, 0, 3).data
  return map(draw(shape, 0, 1), (p, i) => Math.fround(kinds[i]! < 1 ? 0 : kinds[i]! < 2 ? p * faint : p))
}

/** The chosen class need not be the reference's if their scores are the same up to rounding. */
function expectLargest(classes: NdArray, scores: NdArray, tolerance = 1e-5): void {
  let voxel = 0
  forEachVoxel(scores, (channels) => {
    const own = channels.map((offset) => scores.data[offset]!)
    const chosen = own[classes.data[voxel++]!]!
    const largest = Math.max(...own)
    if (!(largest - chosen <= tolerance * Math.max(1, Math.abs(largest))))
      expect.fail(`voxel ${voxel - 1}: ${chosen} instead of ${largest}`)
  })
  expect(voxel).toBe(classes.data.length)
}

async function expectArgmax(x: NdArray, prior?: NdArray, least?: number): Promise<void> {
  const { y } = await evaluate(device.gpu, { x, ...(prior ? { prior } : {}) }, (v) => ({
    y: argmax(v.x!, { prior: v.prior, least }),
  }))
  expect(new Set(y.data).size).toBeLessThanOrEqual(x.shape[1]!)
  expectSameBits(y, reference.forward(scored(x, prior, least)), 'argmax')
}

async function expectLikelyClass(
  x: NdArray,
  counts: readonly number[],
  prior?: NdArray,
  least?: number,
): Promise<void> {
  const { y } = await evaluate(device.gpu, { x, ...(prior ? { prior } : {}) }, (v) => ({
    y: argmax(v.x!, { prior: v.prior, least, counts }),
  }))
  expectLargest(y, reference.ofClasses(scored(x, prior, least), counts), 1e-6)
}

function scored(x: NdArray, prior?: NdArray, least?: number): NdArray {
  const logits = prior && least !== undefined ? supportMask.addLogPrior(x, prior, least) : x
  // As on the device, the mask rounds to f32, in which forbidden classes are equal.
  return prior ? map(supportMask.forward(logits, prior), Math.fround) : x
}
