import { expect, it } from 'vitest'
import { readTunedTiles, tableOf, type TunedTile } from '../../src/gpu/tiles.js'
import { traitsOf } from '../../src/gpu/traits.js'
import { gradients, nodesBehind } from '../../src/graph/gradients.js'
import { input, parameter } from '../../src/graph/value.js'
import { chooseTile } from '../../src/ops/conv3d/tile.js'
import { conv3d, sum } from '../../src/ops/index.js'
import { convolutionsOf, flopsOf } from '../../src/tuning/convolutions.js'
import { timeTiles } from '../../src/tuning/time-tiles.js'
import { tuneTiles } from '../../src/tuning/tune-tiles.js'
import { useGpu, withOtherTiles } from '../gpu.js'

const device = useGpu()
const problem = { inputs: 3, outputs: 9, extents: [3, 5, 13], kernel: [3, 3, 3] } as const
const entry: TunedTile = { outputs: 9, width: 13, voxels: 1000, kernelWidth: 3, x: 8, channels: 16 }

it('times right tiles, and tells them from a wrong one', async () => {
  const tiles = [
    { x: 4, channels: 9 },
    { x: 16, channels: 4 },
    // Blocks of six channels begin within a vec4 of weights.
    { x: 4, channels: 6 },
  ]
  const timed = await timeTiles(device.gpu, problem, tiles, { rounds: 2 })
  expect(timed.map(({ tile }) => tile)).toEqual(tiles)
  expect(timed.map(({ correct }) => correct)).toEqual([true, true, false])
  expect(timed.map(({ seconds }) => seconds.length)).toEqual([2, 2, 0])
  expect(timed[0]!.flops).toBe(flopsOf(problem))
})

it('computes fewer planes of what takes too long, and compiles nothing after the deadline', async () => {
  const tile = { x: 4, channels: 8 }
  const large = { ...problem, extents: [64, 5, 12] } as const
  const [timed] = await timeTiles(device.gpu, large, [tile], { rounds: 1, mostFlops: flopsOf(large) / 16 })
  expect(timed).toMatchObject({ correct: true, flops: flopsOf(large) / 16 })
  expect(await timeTiles(device.gpu, problem, [tile], { rounds: 1, deadline: 0 })).toEqual([])
})

it('tunes with the tiles of CPU drivers and of GPUs, all of them right', async () => {
  const results: unknown[] = []
  const tune = () =>
    tuneTiles(device.gpu, [problem], { seconds: 60, onResult: ({ wrong }) => results.push(wrong) })
  for (const tiles of [await tune(), await withOtherTiles(device.gpu, tune)])
    for (const tile of tiles)
      expect(tile).toMatchObject({ outputs: 9, width: 13, voxels: 195, kernelWidth: 3 })
  expect(results).toEqual([[], []])
  expect(await tuneTiles(device.gpu, [problem], { seconds: -1 })).toEqual([])
})

it('finds the convolutions of a graph, the largest of each size first', () => {
  const x = input('x', [1, 2, 3, 5, 8])
  const weight = (name: string, outputs: number, inputs: number) =>
    parameter(name, [outputs, inputs, 3, 3, 3], new Float32Array(outputs * inputs * 27))
  const parameters = [weight('a', 4, 2), weight('b', 4, 4), weight('c', 1, 4)]
  const y = parameters.reduce((value, w) => conv3d(value, w, undefined, { padding: 'same' }), x)
  const nodes = nodesBehind(gradients(sum(y), parameters))
  const of = (inputs: number, outputs: number) => ({
    inputs,
    outputs,
    extents: [3, 5, 8],
    kernel: [3, 3, 3],
  })
  expect(convolutionsOf(nodes, traitsOf(device.gpu))).toEqual([of(4, 4)])
  expect(convolutionsOf([...nodes, ...nodesBehind([y])], traitsOf(device.gpu))).toEqual([of(4, 4), of(4, 1)])
})

it('uses what was measured on volumes of similar size', () => {
  const tiles = tableOf([entry, { ...entry, voxels: 8000, x: 16 }])
  const choose = (change: Partial<TunedTile>) =>
    chooseTile({ ...entry, ...change }, { software: true, tiles })
  expect(choose({})).toEqual({ x: 8, channels: 9 })
  expect(choose({ voxels: 4000 })).toEqual({ x: 16, channels: 9 })
  expect(choose({ voxels: 2000, width: 3 })).toEqual({ x: 4, channels: 9 })
  const standard = chooseTile({ ...entry, voxels: 100 }, { software: true })
  expect(choose({ voxels: 100 })).toEqual(standard)
  expect(tiles({ ...entry, outputs: 8 })).toBeUndefined()
  expect(tiles({ ...entry, kernelWidth: 5 })).toBeUndefined()
})

it('reads only tiles that a kernel may have', () => {
  expect(readTunedTiles([entry])).toEqual([entry])
  for (const wrong of [{ x: 3 }, { x: 32 }, { channels: 0 }, { channels: 17 }, { voxels: '9' }])
    expect(readTunedTiles([entry, { ...entry, ...wrong }])).toBeUndefined()
  for (const wrong of [undefined, {}, [null], [1]]) expect(readTunedTiles(wrong)).toBeUndefined()
})
