import { describe, expect, it } from 'vitest'
import { toCallerOrder, toMemoryOrder } from '../../src/graph/layout.js'
import { input } from '../../src/graph/value.js'

const counting = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i)

describe('layout', () => {
  it('stores [N,C,D,H,W] as [N,D,C,H,W]', () => {
    const [N, C, D, H, W] = [2, 3, 5, 2, 7]
    const data = counting(N * C * D * H * W)
    const stored = toMemoryOrder(input('x', [N, C, D, H, W]), data)
    for (let n = 0; n < N; n++)
      for (let c = 0; c < C; c++)
        for (let d = 0; d < D; d++)
          for (let i = 0; i < H * W; i++)
            expect(stored[((n * D + d) * C + c) * H * W + i]).toBe(data[((n * C + c) * D + d) * H * W + i])
  })

  for (const shape of [[2, 3, 5, 7, 2], [1, 14, 4, 3, 3], [3, 2, 1, 3, 5], [2, 1, 5, 3, 3], [1, 1, 1, 1, 1]]) {
    it(`there and back: [${shape.join(', ')}]`, () => {
      const x = input('x', shape)
      const data = counting(x.size)
      expect(toCallerOrder(x, toMemoryOrder(x, data))).toEqual(data)
      expect(toMemoryOrder(x, toCallerOrder(x, data))).toEqual(data)
    })
  } // prettier-ignore

  it('leaves the array of the caller alone, and copies nothing if the orders agree', () => {
    const x = input('x', [1, 2, 2, 1, 1])
    const data = counting(4)
    expect([...toMemoryOrder(x, data)]).toEqual([0, 2, 1, 3])
    expect(data).toEqual(counting(4))
    for (const same of [input('x', [2, 1, 2, 1, 1]), input('x', [2, 2, 1, 1, 1]), input('x', [4])])
      expect(toMemoryOrder(same, data)).toBe(data)
    const flat = input('w', [1, 2, 2, 1, 1], { layout: 'flat' })
    expect(toMemoryOrder(flat, data)).toBe(data)
  })

  it('refuses what does not fill the value, or is of another type', () => {
    const x = input('x', [1, 2, 2, 1, 1])
    for (const convert of [toMemoryOrder, toCallerOrder]) {
      expect(() => convert(x, counting(3))).toThrow('x: 3 numbers given for shape [1, 2, 2, 1, 1]')
      expect(() => convert(x, counting(8))).toThrow('x: 8 numbers given')
      expect(() => convert(x, Uint32Array.of(1, 2, 3, 4))).toThrow('x holds f32, not u32')
    }
  })

  it('works on u32, and on a view into a larger buffer', () => {
    const x = input('x', [1, 2, 2, 1, 1], { dtype: 'u32' })
    expect(toMemoryOrder(x, Uint32Array.of(1, 2, 3, 4))).toEqual(Uint32Array.of(1, 3, 2, 4))
    expect(toMemoryOrder(input('x', [1, 2, 2, 1, 1]), counting(9).subarray(4, 8))).toEqual(
      Float32Array.of(4, 6, 5, 7),
    )
  })
})
