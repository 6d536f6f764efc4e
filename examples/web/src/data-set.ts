import {
  applyScaling,
  checkPrior,
  classColour,
  diceScores,
  foregroundClasses,
  freeSurferTable,
  identityTable,
  makePhantom,
  meanDice,
  parseLabelTable,
  phantomTable,
  priorArgmax,
  priorFromLabels,
  toClasses,
  unitScaling,
  UserError,
  type LabelTable,
  type Prior,
} from 'sae-webgpu'
import {
  decodeVolume,
  formatShape,
  requireFinite,
  alignTo,
  decodeLabels,
  requireVaries,
  unknownGrid,
  type Grid,
  type LabelVolume,
  type Volume,
} from 'sae-webgpu/io'
import type { ChosenFiles, DataSummary, PhantomRecipe } from './protocol.js'

export interface Scan {
  readonly name: string
  /** Intensities in 0..1, [D, H, W]. */
  readonly data: Float32Array
  /** Classes, [D, H, W]. */
  readonly truth?: Uint8Array
  readonly grid: Grid
}

/** Training data, as plain objects and arrays, so that IndexedDB can store them. */
export interface DataSet {
  readonly description: string
  readonly scans: readonly Scan[]
  readonly prior: Prior
  readonly table: LabelTable
  readonly notes: readonly string[]
}

/** The phantoms of `sae demo`, and a prior from another one. @throws UserError if the size is out of range */
export function phantomData({ shape, subjects, seed }: PhantomRecipe): DataSet {
  const phantom = makePhantom({ seed, shape, subjects, variability: 1.2, noise: 0.2 })
  const classes = phantomTable.classes.length
  const settings = { sigma: 1, floor: 0.02, normalise: true }
  return {
    description: `${subjects} ${subjects === 1 ? 'phantom' : 'phantoms'} of ${formatShape(shape)} voxels`,
    scans: phantom.subjects.map(({ scan, labels }, i) => ({
      name: `sub-${String(i + 1).padStart(2, '0')}`,
      data: scan,
      truth: labels,
      grid: unknownGrid(shape),
    })),
    prior: { data: priorFromLabels(phantom.unpaired.labels, shape, classes, settings), classes, shape },
    table: phantomTable,
    notes: [],
  }
}

/** Reads files as `sae train` does. @throws UserError with one line about the first unsuitable file */
export async function readDataSet(files: ChosenFiles): Promise<DataSet> {
  const { scans: scanFiles, truths: truthFiles } = files
  if (scanFiles.length === 0) throw new UserError('choose a scan')
  if (truthFiles.length > 0 && truthFiles.length !== scanFiles.length) {
    throw new UserError(
      `${truthFiles.length} reference segmentations for ${scanFiles.length} scans; choose one for each, or none`,
    )
  }
  const notes: string[] = []
  const { volume: prior, table } = await readPrior(files, notes)
  const [orderedScans, orderedTruths] = [byName(scanFiles), byName(truthFiles)]
  const scans: Scan[] = []
  for (const [i, file] of orderedScans.entries()) {
    const read = toUnitRange(await readScan(file, notes), notes)
    const { volume: scan, remark } = alignTo(read, prior, 'the prior and the scan')
    note(notes, remark)
    const { data, grid } = scan
    const truthFile = orderedTruths[i]
    if (!truthFile) {
      scans.push({ name: stem(file.name), data, grid })
      continue
    }
    const labels = alignTo(await readLabels(truthFile, notes), scan, 'the reference and the scan')
    note(notes, labels.remark)
    const truth = toClasses(labels.volume.data, table, truthFile.name)
    scans.push({ name: stem(file.name), data, grid, truth })
  }
  const count = scans.length === 1 ? scans[0]!.name : `${scans.length} scans`
  const { shape } = prior.grid
  return {
    description: `${count} of ${formatShape(shape)} voxels`,
    scans,
    prior: { data: prior.data, classes: prior.channels, shape },
    table,
    notes,
  }
}

export function summaryOf({ description, scans, prior, table, notes }: DataSet): DataSummary {
  const scored = scans.flatMap(({ truth }) => (truth ? [truth] : []))
  return {
    description,
    scans: scans.map(({ name }) => name),
    scored: scored.length > 0,
    shape: prior.shape,
    classes: table.classes.map(({ name, codes }, c) => {
      return { name, code: codes[0]!, colour: `rgb(${classColour(c).join(' ')})` }
    }),
    priorDice: scored.length > 0 ? priorScore(prior, table, scored) : undefined,
    notes,
  }
}

function priorScore({ data, classes }: Prior, table: LabelTable, truths: readonly Uint8Array[]): number {
  const argmax = priorArgmax(data, classes)
  const counted = foregroundClasses(table)
  const scores = truths.map((truth) => meanDice(diceScores(argmax, truth, classes), counted))
  return scores.reduce((sum, score) => sum + score, 0) / scores.length
}

/** A prior as it is, or one from a label map, as `sae prior` makes it. */
async function readPrior(
  { prior: file, table: tableFile, meaning, blur }: ChosenFiles,
  notes: string[],
): Promise<{ volume: Volume; table: LabelTable }> {
  const volume = await readFile(file, decodeVolume, notes)
  requireFinite(volume)
  const { data, channels, grid } = volume
  const given = tableFile && parseLabelTable(await tableFile.text(), tableFile.name)
  if (channels > 1) {
    checkPrior(data, grid.shape, channels, file.name)
    const table =
      given ?? (channels === freeSurferTable.classes.length ? freeSurferTable : identityTable(channels))
    if (table.classes.length !== channels) {
      throw new UserError(
        `${tableFile!.name} has ${table.classes.length} classes, but ${file.name} has ${channels} channels`,
      )
    }
    return { volume, table }
  }
  const labels = await readLabels(file, [])
  const table = given ?? (meaning === 'freesurfer' ? freeSurferTable : numberedTable(labels))
  const K = table.classes.length
  const classes = toClasses(labels.data, table, file.name)
  const probabilities = priorFromLabels(classes, grid.shape, K, { sigma: blur })
  notes.push(`${file.name}: a label map; made a prior of ${K} classes from it`)
  return { volume: { ...volume, data: probabilities, channels: K }, table }
}

function numberedTable({ data, source }: LabelVolume): LabelTable {
  const highest = data.reduce((most, label) => Math.max(most, label), 0)
  if (highest < 1 || highest > 63) {
    throw new UserError(`${source}: the labels end at ${highest}; classes are numbered from 0 to at most 63`)
  }
  return identityTable(Math.round(highest) + 1)
}

async function readScan(file: File, notes: string[]): Promise<Volume> {
  const volume = await readFile(file, decodeVolume, notes)
  return requireOneChannel(volume, 'a scan')
}

/** In float64, which holds label values of any size that the formats store. */
async function readLabels(file: File, notes: string[]): Promise<LabelVolume> {
  const volume = await readFile(file, decodeLabels, notes)
  return requireOneChannel(volume, 'a label map')
}

function requireOneChannel<V extends Volume | LabelVolume>(volume: V, what: string): V {
  if (volume.channels !== 1) {
    throw new UserError(`${volume.source}: has ${volume.channels} channels, but ${what} has one`)
  }
  requireFinite(volume)
  return volume
}

async function readFile<V extends Volume | LabelVolume>(
  file: File,
  decode: (bytes: Uint8Array, source: string) => V,
  notes: string[],
): Promise<V> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (bytes.length === 0) throw new UserError(`${file.name}: the file is empty`)
  const volume = decode(bytes, file.name)
  notes.push(...(volume.warnings ?? []))
  return volume
}

function toUnitRange(scan: Volume, notes: string[]): Volume {
  requireVaries(scan)
  const scaling = unitScaling(scan.data)
  const { low, high } = scaling
  if (low !== 0 || high !== 1) {
    const range = [low, high].map((value) => String(Number(value.toPrecision(4)))).join(' to ')
    notes.push(`${scan.source}: intensities from ${range} scaled to 0..1`)
  }
  return { ...scan, data: applyScaling(scan.data, scaling) }
}

/** Files sorted by name: scans and their references are paired in this order. */
function byName(files: readonly File[]): File[] {
  return [...files].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

function stem(name: string): string {
  return name.replace(/\.(nii\.gz|nii|npz|npy)$/i, '')
}

function note(notes: string[], text: string | undefined): void {
  if (text !== undefined) notes.push(text)
}
