import type { Gpu } from '../gpu/gpu.js'
import type { Tile } from '../gpu/tiles.js'
import { op } from '../graph/op.js'
import { input, parameter, type Value } from '../graph/value.js'
import { generalForward } from '../ops/conv3d/general.js'
import { convolutionPlanes } from '../ops/conv3d/geometry.js'
import { packWeights } from '../ops/conv3d/pack-weights.js'
import { convolve } from '../ops/conv3d/tuned.js'
import { compile } from '../plan/compile.js'
import type { Plan } from '../plan/plan.js'
import { flopsOf, type ConvolutionProblem } from './convolutions.js'

/** How a tile did. */
export interface TimedTile {
  readonly tile: Tile
  /** Floating-point operations of one run. */
  readonly flops: number
  /** Of each round. */
  readonly seconds: readonly number[]
  /** Seconds until it had run once, compiling included; little if the driver had the kernel in a cache. */
  readonly compiling: number
  /** Whether its results are those of the general kernel. */
  readonly correct: boolean
}

/** Settings of `timeTiles`. */
export interface TimingOptions {
  /** How often each tile runs. */
  readonly rounds: number
  /** No further tile is compiled after this moment of `performance.now()`. Default: never. */
  readonly deadline?: number
  /** Most operations of one run: fewer planes are computed of a volume that needs more. Default: all planes. */
  readonly mostFlops?: number
}

/** Largest relative error of a tile: sums of a few hundred f32 products in another order. */
const tolerance = 1e-5

/**
 * Times one convolution with several tiles, which take turns, so that other load on the machine affects all of them.
 * Compares each with the general kernel first; a tile whose results differ is not timed.
 *
 * @returns the tiles that were compiled before the deadline, in their order
 */
export async function timeTiles(
  gpu: Gpu,
  problem: ConvolutionProblem,
  tiles: readonly Tile[],
  { rounds, deadline = Infinity, mostFlops = Infinity }: TimingOptions,
): Promise<TimedTile[]> {
  const [depth, ...plane] = problem.extents
  const planes = Math.max(problem.kernel[0], Math.floor(mostFlops / (flopsOf(problem) / depth)))
  const part = { ...problem, extents: [Math.min(depth, planes), ...plane] } as ConvolutionProblem
  const flops = flopsOf(part)
  const expected = await resultOf(gpu, part, general)
  const runs: (Omit<TimedTile, 'seconds'> & { seconds: number[]; plan: Plan })[] = []
  try {
    for (const tile of tiles) {
      if (performance.now() > deadline) break
      const start = performance.now()
      const { plan, output } = await planOf(gpu, part, tiled(tile))
      await plan.run()
      const compiling = (performance.now() - start) / 1000
      const correct = relativeError(await plan.read(output), expected) <= tolerance
      runs.push({ tile, flops, compiling, correct, plan, seconds: [] })
    }
    for (let round = 0; round < rounds; round++) {
      for (const { plan, correct, seconds } of runs) if (correct) seconds.push(await secondsOf(gpu, plan))
    }
    return runs.map(({ tile, flops, compiling, correct, seconds }) => ({
      tile,
      flops,
      compiling,
      correct,
      seconds,
    }))
  } finally {
    for (const { plan } of runs) plan.dispose()
  }
}

type Build = (problem: ConvolutionProblem, x: Value, weight: Value) => Value

/** The convolution by the kernel that computes any geometry, whose tile is not chosen. */
const general: Build = ({ kernel, extents }, input, weight) => {
  const padding = kernel.map((extent) => (extent - 1) / 2) as [number, number, number]
  const geometry = { kernel, padding, stride: [1, 1, 1], dilation: [1, 1, 1], groups: 1 } as const
  return op(generalForward('general', input, { weight }, geometry, extents))
}

function tiled(tile: Tile): Build {
  return ({ outputs, extents, kernel }, x, weight) => {
    const packed = packWeights(weight, undefined, 'forward')
    return op({
      name: 'tile',
      inputs: { x, packed: packed.value },
      output: { shape: [1, outputs, ...extents] },
      ...convolutionPlanes(x, kernel[0]),
      emit: (output, device, slab) =>
        convolve({ input: x, packed, output, activation: 'none', tile }, device, slab),
    })
  }
}

async function planOf(
  gpu: Gpu,
  problem: ConvolutionProblem,
  build: Build,
): Promise<{ readonly plan: Plan; readonly output: Value }> {
  const { inputs, outputs, extents, kernel } = problem
  const x = input('x', [1, inputs, ...extents])
  const taps = kernel.reduce((product, n) => product * n)
  const weight = parameter('w', [outputs, inputs, ...kernel], numbers(outputs * inputs * taps))
  const output = build(problem, x, weight)
  const plan = await compile(gpu, { outputs: [output] })
  plan.write(x, numbers(x.size))
  return { plan, output }
}

async function resultOf(gpu: Gpu, problem: ConvolutionProblem, build: Build): Promise<Float32Array> {
  const { plan, output } = await planOf(gpu, problem, build)
  try {
    await plan.run()
    return await plan.read(output)
  } finally {
    plan.dispose()
  }
}

/** Seconds of the convolution alone if the device has timestamps, else of a whole run. */
async function secondsOf(gpu: Gpu, plan: Plan): Promise<number> {
  if (gpu.device.features.has('timestamp-query')) {
    const times = await plan.profile()
    return times.filter(({ op }) => op === 'tile').reduce((sum, { seconds }) => sum + seconds, 0)
  }
  const start = performance.now()
  await plan.run()
  return (performance.now() - start) / 1000
}

/** Numbers between -1 and 1 without a pattern that a sum could hide. */
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 0x9e3779b1) % 2 ** 32) / 2 ** 31 - 1)
}

/** ||actual - expected|| / ||expected||; NaN if a number is. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  let difference = 0
  let size = 0
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2
    size += expected[i]! ** 2
  }
  return Math.sqrt(difference / size)
}
