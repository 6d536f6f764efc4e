// npm run bench:tiles: one convolution with several tiles; the table in src/ops/conv3d/tile.ts is based on it. The tiles
// take turns, so that other load on the machine affects all of them.
import { op } from '../src/graph/op.js'
import { compile } from '../src/plan/compile.js'
import { input, parameter } from '../src/graph/value.js'
import { openGpu } from '../src/node/index.js'
import { convolve } from '../src/ops/conv3d/tuned.js'
import { packWeights } from '../src/ops/conv3d/pack-weights.js'
import { convolutionPlanes } from '../src/ops/conv3d/geometry.js'
import type { Tile } from '../src/ops/conv3d/tile.js'
import { median, provenance, publish, short, type Row } from './harness.js'
import { numbers } from './ops/case.js'

const extents = [32, 96, 112] as const
const channels = 14
const rounds = 9
const tiles: readonly Tile[] = [
  { x: 16, channels: 14 },
  { x: 16, channels: 8 },
  { x: 16, channels: 4 },
  { x: 8, channels: 14 },
  { x: 8, channels: 8 },
  { x: 4, channels: 8 },
]

const gpu = await openGpu()
const voxels = extents.reduce<number>((a, b) => a * b, 1)
const flops = 2 * 27 * channels * channels * voxels
const plans = []
for (const tile of tiles) {
  const plan = await compile(gpu, { outputs: [convolution(tile)] })
  for (const value of plan.inputs) plan.write(value, numbers(value.size, 1))
  const start = performance.now()
  await plan.warmUp()
  plans.push({ tile, plan, compiling: (performance.now() - start) / 1000, seconds: [] as number[] })
}
for (let round = 0; round < rounds; round++) {
  for (const { plan, seconds } of plans) {
    const time = (await plan.profile()).find(({ op }) => op === 'tile')!
    seconds.push(time.seconds)
  }
}
const rows = plans.map(({ tile, compiling, seconds }): Row => ({
  'tile, x * channels': `${tile.x} * ${tile.channels}`,
  'GFLOP/s, median': short(flops / median(seconds) / 1e9),
  'GFLOP/s, best': short(flops / Math.min(...seconds) / 1e9),
  'compile s': compiling.toFixed(1),
}))
const notes = `Convolution ${channels} -> ${channels}, 3x3x3, on ${extents.join('x')}, ${rounds} rounds. If a driver has cached a kernel, compiling takes no time.`
publish('tiles', 'Tiles of a convolution', provenance(gpu), rows, undefined, notes)
process.exit(0)

function convolution(tile: Tile) {
  const x = input('x', [1, channels, ...extents])
  const initial = numbers(27 * channels * channels, 0.01)
  const packed = packWeights(parameter('w', [channels, channels, 3, 3, 3], initial), undefined, 'forward')
  return op({
    name: 'tile',
    inputs: { x, packed: packed.value },
    output: { shape: x.shape },
    ...convolutionPlanes(x, 3),
    emit: (output, device, slab) =>
      convolve({ input: x, packed, output, activation: 'none', tile }, device, slab),
  })
}
