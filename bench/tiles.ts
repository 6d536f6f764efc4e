// npm run bench:tiles: one convolution with several tiles; the table in src/ops/conv3d/tile.ts is based on it. `sae tune` times
// tiles in the same way, for all convolutions of a network.
import type { Tile } from '../src/gpu/tiles.js'
import { openGpu } from '../src/node/index.js'
import { timeTiles } from '../src/tuning/time-tiles.js'
import { median, provenance, publish, short, type Row } from './harness.js'

const extents = [32, 96, 112] as const
const channels = 14
const rounds = 9
const tiles: readonly Tile[] = [
  { x: 16, channels: 14 },
  { x: 16, channels: 8 },
  { x: 16, channels: 4 },
  { x: 8, channels: 14 },
  { x: 8, channels: 8 },
  { x: 4, channels: 14 },
  { x: 4, channels: 8 },
]

const gpu = await openGpu()
const problem = { inputs: channels, outputs: channels, extents, kernel: [3, 3, 3] } as const
const rows = (await timeTiles(gpu, problem, tiles, { rounds })).map((timed): Row => {
  const { tile, flops, seconds, compiling, correct } = timed
  return {
    'tile, x * channels': `${tile.x} * ${tile.channels}`,
    'GFLOP/s, median': correct ? short(flops / median(seconds) / 1e9) : 'wrong',
    'GFLOP/s, best': correct ? short(flops / Math.min(...seconds) / 1e9) : 'wrong',
    'compile s': compiling.toFixed(1),
  }
})
const notes = `Convolution ${channels} -> ${channels}, 3x3x3, on ${extents.join('x')}, ${rounds} rounds. If a driver has cached a kernel, compiling takes no time.`
publish('tiles', 'Tiles of a convolution', provenance(gpu), rows, undefined, notes)
process.exit(0)
