import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { pad, type Margin, type PadOptions } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/pad.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(35)

describe('pad', () => {
  const volume = [2, 3, 5, 7, 4]
  const cases: [shape: readonly number[], margins: readonly Margin[], PadOptions?][] = [
    [[5], [[2, 3]]],
    [[3, 8], [[1, 0]], { value: -2.5 }],
    [[3, 8], [[1, 2], [4, 4]], { value: 7 }],
    [[3, 8], [[1, -1], [-3, 0]]],
    ...[0, 1, 2, 3, 4].map((axis): [readonly number[], readonly Margin[]] => [
      volume,
      volume.map((_, i): Margin => (i === axis ? [2, 1] : [0, 0])),
    ]),
    [volume, [[1, 2], [3, 0], [4, 8]], { value: 1.5 }],
    [volume, [[-1, -2], [-3, 5], [2, -1]]],
    [[4], [[3, 2]], { mode: 'reflect' }],
    [[4], [[3, 9]], { mode: 'edge' }],
    [[1, 5], [[2, 0], [0, 1]], { mode: 'edge' }],
    [volume, [[3, 2], [0, 6], [2, 3]], { mode: 'reflect' }],
    [volume, [[3, 2], [0, 9], [2, 3]], { mode: 'edge' }],
  ] // prettier-ignore
  it.each(cases)('%j by %j, %j', (shape, margins, options) => {
    const x = draw(shape)
    const all = [...Array<Margin>(shape.length - margins.length).fill([0, 0]), ...margins]
    return expectReference(device.gpu, {
      feeds: { x },
      build: (v) => pad(v.x!, margins, options),
      expected: reference.forward(x, all, options?.mode, options?.value),
      backward: (g) => ({ x: reference.backward(g, x, all, options?.mode).gradInput }),
    })
  })

  it('pads labels with a u32 that f32 cannot hold', async () => {
    const labels = { shape: [3], data: Uint32Array.of(1, 2, 0xffffffff) }
    const { y } = await evaluate(device.gpu, { labels }, (v) => ({
      y: pad(v.labels!, [[1, 1]], { value: 0xfffffffe }),
    }))
    expect([...y.data]).toEqual([0xfffffffe, 1, 2, 0xffffffff, 0xfffffffe])
  })

  it('refuses margins that do not fit', () => {
    const x = input('x', [4, 5])
    expect(pad(x, [[0, 0]])).toBe(x)
    expect(pad(x, [[0, 0]], { mode: 'edge' })).toBe(x)
    const one: readonly Margin[] = [[1, 1], [1, 1], [1, 1]] // prettier-ignore
    expect(() => pad(x, one)).toThrow('pad: margins of 3 axes, but x [4, 5] has 2')
    expect(() => pad(x, [[-3, -2]])).toThrow('pad: margins [-3, -2] of axis 1 of x [4, 5] leave nothing')
    expect(() => pad(x, [[0.5, 0]])).toThrow('must be whole numbers')
    expect(() => pad(x, [[1, 1]], { mode: 'wrap' as never })).toThrow(
      'pad: mode must be constant, edge or reflect, not wrap',
    )
    expect(() => pad(x, [[-1, 0]], { mode: 'edge' })).toThrow('must not be negative with mode edge')
    expect(() => pad(x, [[0, 5]], { mode: 'reflect' })).toThrow('reach beyond what can be reflected')
  })
})
