import { UserError } from '../../errors.js'
import { readVolume } from '../../io/files.js'
import { requireFinite, type Grid, type VolumeHeader } from '../../io/volume.js'
import { checkLabelTable, type LabelTable } from '../../sae/labels/label-table.js'
import { normalisePrior } from '../../sae/prior/prior.js'
import { blurPrior } from '../../sae/prior/prior-from-labels.js'
import { voxelsOf, type SpatialShape } from '../../sae/shape.js'
import { GridCheck } from '../grids/grid-check.js'
import { requireOneChannel } from '../inputs/input-headers.js'
import { placed } from '../grids/placement.js'
import { expectedVoxels, type MadePrior, type SourceOptions } from './prior-sources.js'
import { subsample } from '../grids/subsample.js'
import type { Terminal } from '../terminal.js'

/** The table of tissue maps: the background, then one class per map. @throws UserError unless each has its name */
export function tableOfTissues(files: readonly string[], names: string | undefined): LabelTable {
  if (names === undefined) {
    throw new UserError(
      `--tissues: give --names as well, one per map in their order, such as --names csf,gm,wm; FAST writes csf, gm, wm (_pve_0 to 2), SPM gm, wm, csf (c1 to c3), Atropos what its priors were`,
    )
  }
  const given = names.split(',').map((name) => name.trim())
  if (given.length !== files.length)
    throw new UserError(`--names gives ${given.length} names for ${files.length} tissue maps; give one each`)
  const repeated = given.find((name, i) => name === '' || given.indexOf(name) !== i)
  if (repeated !== undefined)
    throw new UserError(`--names ${names}: each map needs a name of its own; "${repeated}" is not one`)
  const classes = ['background', ...given].map((name, c) => ({
    name,
    abbreviation: c === 0 ? 'bg' : name,
    codes: [c],
  }))
  return checkLabelTable({ classes }, '--names')
}

/** Probabilities may exceed 1 by rounding. */
const slack = 0.01

/** A prior from maps of one tissue each: what they leave of 1 is the background. */
export async function fromTissues(
  headers: readonly VolumeHeader[],
  table: LabelTable,
  { matchByIndex, every, volume }: SourceOptions,
  sigma: SpatialShape,
  terminal: Terminal,
): Promise<MadePrior> {
  const [first, ...others] = headers as [VolumeHeader, ...VolumeHeader[]]
  for (const header of headers) requireOneChannel(header, 'a tissue map')
  const check = new GridCheck({ matchByIndex, resample: undefined })
  const placements = others.map((other) => check.match(other, first, 'the tissue maps'))
  check.conclude(terminal)
  const { shape }: Grid = first.grid
  const size = voxelsOf(shape)
  const K = table.classes.length
  const prior = new Float32Array(K * size)
  for (const [i, { source }] of headers.entries()) {
    const map = await readVolume(source, { volume })
    requireFinite(map)
    const wrong = map.data.find((value) => !(value >= -slack && value <= 1 + slack))
    if (wrong !== undefined)
      throw new UserError(`${source}: contains ${wrong}; a tissue map holds probabilities from 0 to 1`)
    const { data } = i === 0 ? map : placed(map, placements[i - 1]!)
    prior.set(
      data.map((value) => Math.min(Math.max(value, 0), 1)),
      (i + 1) * size,
    )
  }
  for (let i = 0; i < size; i++) {
    let sum = 0
    for (let c = 1; c < K; c++) sum += prior[c * size + i]!
    prior[i] = Math.max(1 - sum, 0)
  }
  blurPrior(prior, shape, K, sigma)
  normalisePrior(prior, K, first.source)
  const voxels = expectedVoxels(prior, K)
  const whole = { data: prior, channels: K, grid: first.grid, source: first.source }
  return { prior: subsample(whole, every).data, table, voxels }
}
