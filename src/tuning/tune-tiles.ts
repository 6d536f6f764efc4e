import type { Gpu } from '../gpu/gpu.js'
import type { Tile, TunedTile } from '../gpu/tiles.js'
import { traitsOf } from '../gpu/traits.js'
import { chooseTile } from '../ops/conv3d/tile.js'
import type { ConvolutionProblem } from './convolutions.js'
import { timeTiles, type TimedTile } from './time-tiles.js'

/** What tuning found for one convolution. */
export interface TuningResult {
  readonly problem: ConvolutionProblem
  /** Floating-point operations per second with the default tile, and with the best. */
  readonly before: number
  readonly after: number
  readonly best: Tile
  /** Tiles whose results were wrong on this device. */
  readonly wrong: readonly Tile[]
}

/** Settings of `tuneTiles`. */
export interface TuningOptions {
  /** Time to spend, in seconds. Convolutions that come too late keep the default tile. */
  readonly seconds: number
  /** Called after each convolution. */
  readonly onResult?: (result: TuningResult) => void
}

/** How often each tile runs, and how much: short on a CPU, long enough to fill a large GPU. */
const rounds = 7
const mostFlops = { software: 4e8, hardware: 4e9 }
/** A tile must be this much faster than the default to replace it: less is noise. */
const leastGain = 1.03

/**
 * Times the tiles that suit each convolution on this device and keeps the fastest of those whose results are right.
 *
 * @param problems in the order in which to spend the time; see `convolutionsOf`
 * @returns the tiles that are faster than the default
 * @throws Error if the default tile's results are wrong: the device or its driver is broken
 */
export async function tuneTiles(
  gpu: Gpu,
  problems: readonly ConvolutionProblem[],
  { seconds, onResult }: TuningOptions,
): Promise<TunedTile[]> {
  const deadline = performance.now() + 1000 * seconds
  const tuned: TunedTile[] = []
  for (const problem of problems) {
    if (performance.now() > deadline) break
    const { outputs, extents, kernel } = problem
    const [depth, height, width] = extents
    const choice = { outputs, width, voxels: depth * height * width, kernelWidth: kernel[2] }
    const { software } = gpu.adapter
    const timed = await timeTiles(gpu, problem, candidates(gpu, choice), {
      rounds,
      deadline,
      mostFlops: software ? mostFlops.software : mostFlops.hardware,
    })
    const [standard, ...others] = timed
    if (!standard) break
    if (!standard.correct) {
      throw new Error(
        `${gpu.adapter.name} computes a convolution of ${problem.inputs} -> ${outputs} channels wrong with the default tile; run sae info --check`,
      )
    }
    const fastest = others
      .filter(({ correct }) => correct)
      .reduce((best, tile) => (medianOf(tile) < medianOf(best) ? tile : best), standard)
    const isBetter = medianOf(standard) >= leastGain * medianOf(fastest)
    const best = isBetter ? fastest : standard
    if (isBetter) tuned.push({ ...choice, ...best.tile })
    onResult?.({
      problem,
      before: standard.flops / medianOf(standard),
      after: best.flops / medianOf(best),
      best: best.tile,
      wrong: timed.filter(({ correct }) => !correct).map(({ tile }) => tile),
    })
  }
  return tuned
}

/** The default tile, then others that suit the problem. */
function candidates(gpu: Gpu, choice: Parameters<typeof chooseTile>[0]): Tile[] {
  const { software } = gpu.adapter
  const tiles = [chooseTile(choice, { software })]
  for (const channels of [16, 12, 8, 4]) {
    for (const x of [4, 8, 16]) {
      // What the table would make of the entry.
      const tile = chooseTile(choice, { ...traitsOf(gpu), tiles: () => ({ x, channels }) })
      const isKnown = tiles.some((known) => known.x === tile.x && known.channels === tile.channels)
      // More sums than this exceed the registers of any device.
      if (!isKnown && tile.x * tile.channels <= (software ? 256 : 128)) tiles.push(tile)
    }
  }
  return tiles
}

function medianOf({ seconds }: TimedTile): number {
  return [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)]!
}
