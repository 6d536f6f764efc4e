import { describe, expect, it } from 'vitest'
import type { DeviceTraits } from '../../src/gpu/traits.js'
import { gradients, nodesBehind } from '../../src/graph/gradients.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { conv3d, convTranspose3d, linear, sum, weightedSum } from '../../src/ops/index.js'
import { broadcastLanes } from '../../src/ops/shared/lanes.js'

const shape = [1, 8, 8, 8, 16]
const weight = (name: string, ...extents: number[]) =>
  parameter(name, extents, new Float32Array(extents.reduce((size, extent) => size * extent, 1)))

/** Every op that has kernels with broadcasts, and its gradients. */
function outputs(): Value[] {
  const x = input('x', shape)
  const coarse = input('coarse', [1, 4, 4, 4, 8])
  const rows = input('rows', [128, 128])
  const parameters = [
    weight('same', 8, 8, 3, 3, 3),
    weight('joined', 8, 12, 3, 3, 3),
    weight('strided', 8, 8, 3, 3, 3),
    weight('transposed', 8, 8, 2, 2, 2),
    weight('linear', 128, 128),
  ]
  const [same, joined, strided, transposed, dense] = parameters
  const results = [
    conv3d(x, same!, undefined, { padding: 'same' }),
    conv3d({ coarse, skip: x }, joined!, undefined, { padding: 'same' }),
    conv3d(x, strided!, undefined, { stride: 2, padding: 1 }),
    convTranspose3d(x, transposed!, undefined, { stride: 2 }),
    linear(rows, dense!),
  ]
  const loss = weightedSum(results.map((value) => ({ term: sum(value) })))
  return [...gradients(loss, [...parameters, x, coarse, rows]), ...results]
}

/** Names of the shaders that use subgroups on a device. */
function withSubgroups(kind: Pick<DeviceTraits, 'software' | 'subgroupSize'>): string[] {
  const device = { bindingElements: 2 ** 25, uniformBytes: 2 ** 16, ...kind }
  const calls = nodesBehind(outputs()).flatMap((node) => node.emit(device))
  const names = calls
    .filter(({ shader, flags }) => flags?.SUBGROUPS ?? shader.name === 'matmul/broadcast')
    .map(({ shader }) => shader.name)
  return [...new Set(names)].sort()
}

describe('broadcastLanes', () => {
  it.each([4, 8, 16, 32, 64, 128])('no kernel of a GPU depends on its subgroups of %i', (subgroupSize) => {
    expect(withSubgroups({ software: false, subgroupSize })).toEqual([])
    expect(broadcastLanes({ software: false, subgroupSize })).toBe(0)
  })

  it('kernels of a CPU driver broadcast among at most 8 lanes, all of them in the smallest subgroup', () => {
    expect(withSubgroups({ software: true, subgroupSize: 8 })).toEqual([
      'conv3d/backward_weight',
      'conv3d/forward',
      'conv3d/strided',
      'conv3d/strided_backward_weight',
      'matmul/broadcast',
    ])
    for (const subgroupSize of [0, 1, 2]) expect(withSubgroups({ software: true, subgroupSize })).toEqual([])
    for (const subgroupSize of [4, 8, 16, 128])
      expect(broadcastLanes({ software: true, subgroupSize })).toBe(Math.min(8, subgroupSize))
  })
})
