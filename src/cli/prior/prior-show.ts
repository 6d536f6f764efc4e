import { UserError } from '../../errors.js'
import { readVolumeHeader } from '../../io/files.js'
import { voxelSize } from '../../io/volume.js'
import { supportThreshold } from '../../ops/index.js'
import { overlapOf } from '../../sae/assessment/overlap.js'
import { summarisePrior } from '../../sae/assessment/prior-summary.js'
import { alignColumns } from '../tables/columns.js'
import { tableFor } from '../inputs/classes.js'
import { GridCheck } from '../grids/grid-check.js'
import { readLabels } from '../inputs/inputs.js'
import { classesOfMap, tableOfReference } from '../inputs/label-maps.js'
import { placed } from '../grids/placement.js'
import { flagOf } from '../options.js'
import { readPrior, toPrior } from './prior-file.js'
import type { Terminal } from '../terminal.js'

/** What `sae prior --show` looks at. */
export interface ShowOptions {
  readonly show: string
  readonly truth?: string
  readonly classes?: string
  readonly floor: number
  readonly matchByIndex: boolean
  /** Which volume of a truth that holds several. */
  readonly volume?: number | undefined
}

/** The options that `--show` heeds, and those that it heeds with `--truth`. */
const heeded = ['show', 'truth', 'classes', 'floor']
const ofTruth = ['matchByIndex', 'volume']

/**
 * Requires that `--show` heeds every option.
 *
 * @param given the options of the command line, by the names that they have in the code
 * @throws UserError with the first that it does not
 */
export function requireShown(given: readonly string[]): void {
  const other = given.find((name) => ![...heeded, ...ofTruth].includes(name))
  if (other !== undefined)
    throw new UserError(`${flagOf(other)} goes with making a prior, and --show makes none; leave it out`)
  const alone = given.includes('truth') ? undefined : given.find((name) => ofTruth.includes(name))
  if (alone !== undefined)
    throw new UserError(`--show: ${flagOf(alone)} goes with --truth; give both or none`)
}

/** Prints what a prior says, and how much of a given truth it allows. @throws UserError if a file is not what it should be */
export async function showPrior(options: ShowOptions, terminal: Terminal): Promise<void> {
  const { show, truth, classes: asked } = options
  const { volume, table: carried } = await readPrior(show, terminal)
  const table = await tableFor(volume.channels, show, asked, [carried], terminal)
  const K = volume.channels
  const summary = summarisePrior(toPrior(volume), table)
  const size = volume.data.length / K
  const [d, h, w] = voxelSize(volume.grid.affine)
  const litres = (d * h * w) / 1000
  const threshold = Math.max(options.floor, supportThreshold)
  const support = supportOf(volume.data, K, threshold)
  const known = truth === undefined ? undefined : await readTruth(truth, options, volume, table, terminal)
  const allowed = known && allowedOf(known, volume.data, K, threshold)
  const dice = known && overlapOf(summary.argmax, known, table)
  const rows = [
    ['class', 'expected ml', 'argmax ml', 'support', ...(known ? ['truth ml', 'allowed', 'Dice'] : [])],
    ...table.classes.map(({ name }, c) => [
      name,
      (summary.expectedVoxels[c]! * litres).toFixed(1),
      (summary.argmaxVoxels[c]! * litres).toFixed(1),
      share(support[c]!, size),
      ...(allowed && dice
        ? [
            (allowed.voxels[c]! * litres).toFixed(1),
            allowed.voxels[c] ? share(allowed.within[c]!, allowed.voxels[c]) : 'absent',
            dice.perClass[c]?.toFixed(4) ?? 'absent',
          ]
        : []),
    ]),
  ]
  terminal.print(alignColumns(rows))
  const entropy = `Entropy: ${summary.entropy.toFixed(4)} nats per voxel (0: certain, ${Math.log(K).toFixed(4)}: says nothing)`
  terminal.print(entropy)
  if (dice) terminal.print(`Mean Dice of its most probable classes: ${dice.mean?.toFixed(4) ?? 'none'}`)
}

async function readTruth(
  path: string,
  { matchByIndex, volume }: ShowOptions,
  prior: Awaited<ReturnType<typeof readPrior>>['volume'],
  table: Parameters<typeof tableOfReference>[1]['table'],
  terminal: Terminal,
): Promise<Uint8Array> {
  const header = await readVolumeHeader(path, { volume })
  const every = Math.round(header.grid.shape[0] / prior.grid.shape[0])
  if (!(every >= 1)) throw new UserError(`${path}: has fewer voxels than ${prior.source}`)
  const check = new GridCheck({ matchByIndex, resample: undefined })
  const placement = check.match(header, prior, 'the prior and the truth', every)
  check.conclude(terminal)
  const map = placed(await readLabels(path, terminal, volume), placement)
  return classesOfMap(
    map,
    await tableOfReference(path, { table, source: 'the table of the prior' }),
    terminal,
  ).classes
}

/** Voxels at which each class is allowed. */
function supportOf(prior: Float32Array, K: number, threshold: number): number[] {
  const size = prior.length / K
  return Array.from({ length: K }, (_, c) => {
    return prior.subarray(c * size, (c + 1) * size).reduce((sum, p) => sum + Number(p >= threshold), 0)
  })
}

/** Voxels of each class of a truth, and how many of them the prior allows to be so. */
function allowedOf(
  truth: Uint8Array,
  prior: Float32Array,
  K: number,
  threshold: number,
): { voxels: number[]; within: number[] } {
  const [voxels, within] = [new Array<number>(K).fill(0), new Array<number>(K).fill(0)]
  truth.forEach((c, i) => {
    voxels[c]!++
    if (prior[c * truth.length + i]! >= threshold) within[c]!++
  })
  return { voxels, within }
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`
