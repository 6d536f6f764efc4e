import { describe, expect, it } from 'vitest'
import { constant, input } from '../../src/graph/value.js'
import { gather } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/gather.js'
import { sizeOf } from '../reference/nd-array.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(38)

describe('gather', () => {
  const volume = [2, 3, 5, 7, 4]
  for (const [shape, indices, axis] of [
    [[1], [1], 0],
    // An embedding, with more uses of an entry than one partial sum has terms.
    [[11, 16], [5, 61], 0],
    [[11, 17], [300], 0],
    [[3, 7, 5], [2, 3], 1],
    [[3, 7], [4, 1, 2], -1],
    ...volume.map((_, axis) => [volume, [6], axis] as const),
  ] as const)
    it(`[${indices.join(', ')}] of [${shape.join(', ')}] along axis ${axis}`, () => {
      const x = draw(shape)
      const along = axis < 0 ? axis + shape.length : axis
      const count = sizeOf(indices)
      // Some positions several times, some never.
      const used = Math.ceil((2 * shape[along]!) / 3)
      const i = {
        shape: indices,
        data: Uint32Array.from(draw([count], 0, used).data.map((value) => Math.min(value, used - 1))),
      }
      return expectReference(device.gpu, {
        feeds: { x, i },
        build: (v) => gather(v.x!, v.i!, axis),
        expected: reference.forward(x, i, along),
        backward: (g) => ({ x: reference.backward(g, x, i, along).gradInput }),
      })
    })

  it('gives NaN for an index beyond the end', async () => {
    const feeds = { x: draw([3, 2]), i: { shape: [3], data: Uint32Array.of(2, 3, 0xffffffff) } }
    const { y } = await evaluate(device.gpu, feeds, (v) => ({ y: gather(v.x!, v.i!) }))
    expect([...y.data]).toEqual([...feeds.x.data.slice(4), NaN, NaN, NaN, NaN])
  })

  it('refuses other indices', () => {
    const [x, volume] = [input('x', [3, 2]), input('volume', [1, 2, 3, 4, 5])]
    const indices = (...shape: number[]) => input('i', shape, { dtype: 'u32', layout: 'flat' })
    expect(gather(x, indices(4, 5)).shape).toEqual([4, 5, 2])
    expect(gather(volume, indices(4), 2)).toMatchObject({ shape: [1, 2, 4, 4, 5], layout: 'volume' })
    expect(() => gather(x, indices(4), 2)).toThrow('gather: x [3, 2] has no axis 2')
    expect(() => gather(x, input('i', [4]))).toThrow(
      'gather: indices must be flat u32, but i [4] is f32 (flat)',
    )
    expect(() => gather(volume, indices(2, 2))).toThrow(
      'indices into a volume must be of one axis, not i [2, 2]',
    )
    expect(() => gather(x, constant('i', [2], Uint32Array.of(0, 3)))).toThrow(
      'gather: i holds 3, but axis 0 of x [3, 2] ends at 2',
    )
  })
})
