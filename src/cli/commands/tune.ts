import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Gpu } from '../../gpu/gpu.js'
import { traitsOf } from '../../gpu/traits.js'
import { gradients, nodesBehind } from '../../graph/gradients.js'
import { input } from '../../graph/value.js'
import { openGpu, removeTileCache, writeTileCache } from '../../node/index.js'
import { createModel, defaultArchitecture } from '../../sae/model.js'
import { saeObjective } from '../../sae/training/objective.js'
import { convolutionsOf, type ConvolutionProblem } from '../../tuning/convolutions.js'
import { tuneTiles, type TuningResult } from '../../tuning/tune-tiles.js'
import { terminalOf, wholeNumber, type GlobalOptions } from '../options.js'
import type { Terminal } from '../terminal.js'

type Extents = readonly [number, number, number]

interface TuneOptions extends GlobalOptions {
  size: Extents
  classes: number
  seconds: number
  forget?: boolean
}

export function addTune(program: Command): void {
  program
    .command('tune')
    .summary('measure which kernels suit this GPU')
    .description(
      'Times the convolutions of a network on this GPU with several tiles (how many outputs one invocation computes), checks the results of each, and keeps the fastest for later runs with the same adapter, driver and version of sae. sae info says whether there are any; SAE_TILES=default ignores them.',
    )
    .addOption(
      new Option('--size <DxHxW>', 'extents of the scans, thinned if you train with --every')
        .argParser(extents)
        .default([160, 192, 224], '160x192x224'),
    )
    .option('--classes <n>', 'classes of the network', wholeNumber(2, 256), 14)
    .option('--seconds <n>', 'time to spend, the largest convolutions first', wholeNumber(1, 3600), 45)
    .option('--forget', 'remove what was measured on this GPU instead')
    .addHelpText('after', '\nExample:\n  sae tune --size 80x96x112')
    .action(async (_: unknown, command: Command) => {
      await tune(command.optsWithGlobals<TuneOptions>(), terminalOf(command))
    })
}

async function tune(
  { size, classes, seconds, forget, adapter }: TuneOptions,
  terminal: Terminal,
): Promise<void> {
  const gpu = await openGpu({ adapter, quiet: true })
  try {
    if (forget) {
      removeTileCache(gpu.adapter)
      terminal.status(`${gpu.adapter.name} takes the default tiles again`)
      return
    }
    const problems = problemsOf(gpu, size, classes)
    let measured = 0
    const tiles = await tuneTiles(gpu, problems, {
      seconds,
      onResult: (result) => {
        measured++
        terminal.print(format(result))
      },
    })
    if (measured < problems.length)
      terminal.note(
        `no time for ${problems.length - measured} smaller convolutions, which keep their tiles; give more --seconds`,
      )
    const file = await writeTileCache(gpu.adapter, tiles)
    terminal.status(
      `${tiles.length} tiles of ${gpu.adapter.name} are faster than the default; kept in ${file}`,
    )
  } finally {
    gpu.dispose()
  }
}

/** The convolutions of a training step: forward, and gradients of inputs. */
function problemsOf(gpu: Gpu, size: Extents, classes: number): ConvolutionProblem[] {
  const model = createModel(defaultArchitecture(classes))
  const counter = input('noise counter', [2], { dtype: 'u32' })
  const { loss } = saeObjective(model, input('scan', [1, 1, ...size]), counter, {
    beta: 0.01,
    neighbourhood: 3,
    temperature: 2 / 3,
  })
  return convolutionsOf(nodesBehind(gradients(loss, model.parameters)), traitsOf(gpu))
}

/** `14 -> 14 channels, 80x96x112: 61.2 -> 68.9 GFLOP/s with 16 x 14 outputs` */
function format({ problem, before, after, best, wrong }: TuningResult): string {
  const { inputs, outputs, extents } = problem
  const rate = (flops: number) => (flops / 1e9).toPrecision(3)
  const gain = after > before ? ` -> ${rate(after)}` : ''
  const errors = wrong.map(({ x, channels }) => `; wrong with ${x} x ${channels}`).join('')
  return `${inputs} -> ${outputs} channels, ${extents.join('x')}: ${rate(before)}${gain} GFLOP/s with ${best.x} x ${best.channels} outputs${errors}`
}

/** Argument parser: three extents. */
function extents(text: string): Extents {
  const numbers = text.split('x').map(Number)
  const [depth, height, width] = numbers
  if (numbers.length === 3 && numbers.every((n) => Number.isInteger(n) && n >= 1 && n <= 1024))
    return [depth!, height!, width!]
  throw new InvalidArgumentError('It must be three extents such as 160x192x224.')
}
