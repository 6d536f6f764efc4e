import { describe, expect, it } from 'vitest'
import * as shaders from '../../src/generated/shaders.js'
import type { DispatchSize } from '../../src/graph/node.js'
import { workgroupsOf } from '../../src/plan/workgroups.js'

const of = (size: DispatchSize) =>
  workgroupsOf({ shader: shaders.reluForward, params: {}, bindings: {}, ...size }, [8, 2, 1])

describe('workgroupsOf', () => {
  it('divides threads by the workgroup, and takes workgroups as they are', () => {
    expect(of({ threads: [17, 3, 5] })).toEqual([3, 2, 5])
    expect(of({ workgroups: [17, 3, 5] })).toEqual([17, 3, 5])
  })

  it('folds the last of fewer than three extents, without a row that is not needed', () => {
    for (const count of [1, 8, 9, 65535 * 8, 65535 * 8 + 1, 96_337_920, 2 ** 31]) {
      const [x, y, z] = of({ threads: [count] })
      expect(x * y * 8).toBeGreaterThanOrEqual(count)
      expect((x * y - y) * 8).toBeLessThan(count)
      expect(Math.max(x, y)).toBeLessThanOrEqual(65535)
      expect(z).toBe(1)
    }
    expect(of({ workgroups: [70_000] })).toEqual([35_000, 2, 1])
    expect(of({ threads: [8, 2 * 70_000] })).toEqual([1, 35_000, 2])
  })

  it('refuses more workgroups than a dispatch can have', () => {
    expect(() => of({ workgroups: [65536, 1, 1] })).toThrow(
      'relu/forward: [65536, 1, 1] workgroups, over 65535 per axis',
    )
    const open = { shader: shaders.reluForward, params: {}, bindings: {}, threads: [1] } as const
    expect(() => workgroupsOf(open, undefined)).toThrow('threads need a known @workgroup_size')
  })
})
