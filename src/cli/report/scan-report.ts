import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { glob } from 'tinyglobby'
import { UserError } from '../../errors.js'
import { readLabelVolume, readText, readVolume } from '../../io/files.js'
import { describeAxes } from '../../io/orientation.js'
import { formatShape, voxelSize, type Grid } from '../../io/volume.js'
import { classColour, type Colour } from '../../report/colours.js'
import type { OverlaidVolume } from '../../report/overlay.js'
import { firstResolved } from '../inputs/channel-files.js'
import { GridCheck } from '../grids/grid-check.js'
import { OutputRecord, type Origin } from '../outputs/output-record.js'
import { resultFormats } from '../outputs/result-format.js'
import { placed } from '../grids/placement.js'
import { lastSegmentation } from './recorded-runs.js'
import { Terminal } from '../terminal.js'
import { voxelVolume } from '../grids/voxel-volume.js'

/** A value of a segmentation and what it stands for. */
export interface LegendEntry {
  readonly value: number
  readonly name: string
  /** The class that it belongs to: the same for both sides. */
  readonly group: string
  readonly colour: Colour
  readonly voxels: number
}

/** Everything that a page about a scan shows. */
export interface ScanReport {
  readonly name: string
  /** Its whole path; of several channels, those of all files. The first one is shown. */
  readonly scan: string
  /** Of the segmentation. */
  readonly grid: Grid
  /** The size of a voxel in mm^3; undefined if the file does not say. */
  readonly voxelVolume: number | undefined
  readonly volume: OverlaidVolume
  readonly legend: readonly LegendEntry[]
  /** What `run.json` says of it. */
  readonly recorded: { readonly run: unknown; readonly figures: unknown } | undefined
}

const ending = /_dseg\.(nii\.gz|nii|mgz)$/

/**
 * The names of the segmentations in a folder, or in a BIDS derivative, that sae made from scans, in alphabetical order.
 */
export async function segmentedScans(folder: string): Promise<string[]> {
  const places = ['', 'sub-*/anat/', 'sub-*/ses-*/anat/'].map((place) => `${place}*_dseg.*`)
  const files = await glob(places, { cwd: folder, expandDirectories: false })
  const found = files.filter((file) => ending.test(file))
  const records = new Map<string, OutputRecord>()
  for (const place of new Set(found.map((file) => dirname(file))))
    records.set(place, await OutputRecord.read(join(folder, place)))
  const names = found
    .filter((file) => records.get(dirname(file))?.originOf(basename(file)) !== undefined)
    .map((file) => file.replace(ending, ''))
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1))
}

/**
 * Reads a segmentation, its table and its scan.
 *
 * @throws UserError if one of them is gone, damaged or does not fit
 */
export async function readScanReport(
  folder: string,
  name: string,
  runs: readonly unknown[],
): Promise<ScanReport> {
  const { file, scan, made } = await originOf(join(folder, name))
  const image = firstResolved(scan)
  if (!existsSync(image)) throw new UserError(`${image}: is gone, and ${file} was made from it`)
  const { data, grid } = await readLabelVolume(file)
  const rows = await readLegend(join(folder, `${name}_dseg.tsv`))
  const volume = typeof made.volume === 'number' ? made.volume : undefined
  const whole = await readVolume(image, { volume })
  // A run that resamples writes on the scan's own grid, whatever its --every.
  const isWhole = formatShape(grid.shape) === formatShape(whole.grid.shape)
  const every = !isWhole && typeof made.every === 'number' ? made.every : 1
  const check = new GridCheck({ matchByIndex: made.matchByIndex === true, resample: undefined })
  const segmentation = { grid, source: file }
  const placement = check.match(whole, segmentation, 'the segmentation and the scan', every)
  check.conclude(silent)

  const positions = new Map(rows.map(({ value }, i) => [value, i]))
  const voxels = rows.map(() => 0)
  const labels = Uint8Array.from(data, (value) => {
    const at = positions.get(value)
    if (at === undefined) throw new UserError(`${file}: its table, ${name}_dseg.tsv, has no value ${value}`)
    voxels[at]!++
    return at
  })
  return {
    ...{ name, scan, grid },
    voxelVolume: grid.known ? voxelVolume(grid.affine) : undefined,
    volume: {
      grid: { shape: grid.shape, spacing: voxelSize(grid.affine), orientation: describeAxes(grid) },
      scan: placed(whole, placement).data,
      labels,
      // The first row is the background.
      palette: rows.map(({ colour }, i) => (i === 0 ? undefined : colour)),
    },
    legend: rows.map((row, i) => ({ ...row, voxels: voxels[i]! })),
    recorded: lastSegmentation(runs, scan),
  }
}

/** The segmentation of this name, in whatever format, and what it was made from. */
async function originOf(stem: string): Promise<Origin & { readonly file: string }> {
  const record = await OutputRecord.read(dirname(stem))
  for (const format of resultFormats) {
    const file = `${stem}_dseg.${format}`
    const origin = existsSync(file) ? record.originOf(basename(file)) : undefined
    if (origin) return { file, ...origin }
  }
  throw new UserError(`${stem}_dseg.nii.gz: is gone`)
}

/** What is odd about a scan was said when it was segmented. */
const silent = new Terminal('silent')

/** The values of a segmentation, as its `_dseg.tsv` lists them. @throws UserError if it is damaged */
async function readLegend(path: string): Promise<Omit<LegendEntry, 'voxels'>[]> {
  const [header = '', ...lines] = (await readText(path)).split(/\r?\n/).filter((line) => line !== '')
  const columns = header.split('\t')
  const rows = lines.map((line, i) => {
    const cells = line.split('\t')
    const cell = (column: string): string => cells[columns.indexOf(column)] ?? ''
    return {
      value: Number(cell('index')),
      name: cell('name'),
      group: cell('class') || cell('name'),
      colour: parseColour(cell('color')) ?? classColour(i),
    }
  })
  if (rows.length === 0 || rows.length > 255 || rows.some(({ value }) => !Number.isInteger(value)))
    throw new UserError(`${path}: is not the table of a segmentation that sae wrote`)
  return rows
}

function parseColour(text: string): Colour | undefined {
  if (!/^#[0-9a-f]{6}$/i.test(text)) return undefined
  const value = parseInt(text.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}
