import {
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
  UserError,
  type LabelTable,
  type Prior,
} from 'sae-webgpu'
import {
  formatShape,
  requireFinite,
  unknownGrid,
  voxelSize,
  type Grid,
  type LabelVolume,
  type Volume,
} from 'sae-webgpu/io'
import {
  channelCount,
  contrastsOf,
  inOrder,
  readContrasts,
  requireSameContrasts,
  scanOfContrasts,
} from './contrasts.js'
import { looksLikeLabels } from './file-kinds.js'
import { placedOnto, wayOnto } from './placing.js'
import type { ChosenFiles, DataSummary, PhantomRecipe } from './protocol.js'
import { readHeader, readLabels, readVolume, textOf } from './volumes.js'

/** Voxels and where they lie. */
interface Image {
  /** Intensities in the units of the file, [D, H, W]. */
  readonly data: Float32Array
  readonly grid: Grid
}

/** An image of a person on the grid of the prior. */
export interface Contrast extends Image {
  readonly name: string
  /** The image as it is in its file, if it had to be resampled onto the grid of the prior. */
  readonly original?: Image
}

/** A scan of a person: an image, or several contrasts. */
export interface Scan extends Contrast {
  /** Several, in the order of the network's channels; the scan's own voxels are those of the first. */
  readonly contrasts?: readonly Contrast[]
  /** Classes, [D, H, W]. */
  readonly truth?: Uint8Array
}

/** What is needed to segment and to learn. */
export interface Knowledge {
  readonly prior: Prior
  readonly table: LabelTable
  /** True if no file of the data named the classes: the table of weights, and that of others after them, replaces this one. */
  readonly guessed?: boolean
}

/** The data, as plain objects and arrays, so that IndexedDB can store them. */
export interface DataSet {
  /** Different for every data set that was read. */
  readonly id: string
  readonly description: string
  readonly scans: readonly Scan[]
  /** Undefined if scans are only looked at. */
  readonly knowledge: Knowledge | undefined
  readonly notes: readonly string[]
}

/** The phantoms of `sae demo`, and a prior from another one. @throws UserError if the size is out of range */
export function phantomData({ shape, subjects, seed }: PhantomRecipe): DataSet {
  const phantom = makePhantom({ seed, shape, subjects, variability: 1.2, noise: 0.2 })
  const classes = phantomTable.classes.length
  const settings = { sigma: 1, floor: 0.02, normalise: true }
  const data = priorFromLabels(phantom.unpaired.labels, shape, classes, settings)
  return {
    id: crypto.randomUUID(),
    description: `${subjects} ${subjects === 1 ? 'phantom' : 'phantoms'} of ${formatShape(shape)} voxels`,
    scans: phantom.subjects.map(({ scan, labels }, i) => ({
      name: `sub-${String(i + 1).padStart(2, '0')}`,
      data: scan,
      truth: labels,
      grid: unknownGrid(shape),
    })),
    knowledge: { prior: { data, classes, shape }, table: phantomTable },
    notes: [],
  }
}

/**
 * Reads files as `sae train --resample` does. Headers are compared first, so that a file that cannot fit is refused before
 * any voxel is read.
 *
 * @throws UserError with one line about the first unsuitable file
 */
export async function readDataSet(files: ChosenFiles): Promise<DataSet> {
  const { scans: scanFiles, truths: truthFiles, prior: priorFile, grouping } = files
  if (scanFiles.length === 0) throw new UserError('choose a scan')
  const people = grouping === 'contrasts' ? 1 : scanFiles.length
  if (truthFiles.length > 0 && truthFiles.length !== people) {
    const of = people < scanFiles.length ? 'one person' : `${people} scans`
    throw new UserError(
      `${truthFiles.length} reference segmentations for ${of}; choose one for each, or none`,
    )
  }
  if (truthFiles.length > 0 && !priorFile) {
    throw new UserError('references need a prior, which says what the classes are')
  }
  const header = priorFile && (await readHeader(priorFile))
  if (header) for (const file of [...scanFiles, ...truthFiles]) wayOnto(await readHeader(file), header)
  const notes: string[] = []
  const known = await readPrior(files, notes)
  const images: Scan[] = []
  for (const file of byName(scanFiles)) images.push(await readImage(file, known, notes))
  const scans =
    grouping === 'contrasts' ? [scanOfContrasts(images[0]!.name, images.flatMap(contrastsOf))] : images
  if (known) requireSameContrasts(scans)
  return {
    id: crypto.randomUUID(),
    description: describe(scans),
    scans: known ? await withTruths(scans, byName(truthFiles), known, notes) : scans,
    knowledge: known?.knowledge,
    notes,
  }
}

/** The same data with the contrasts of all scans in another order. @param order positions in the present one */
export function arranged(data: DataSet, order: readonly number[]): DataSet {
  const scans = data.scans.map((scan) => inOrder(scan, order))
  return { ...data, id: crypto.randomUUID(), description: describe(scans), scans }
}

function describe(scans: readonly Scan[]): string {
  const contrasts = channelCount(scans)
  const who = scans.length === 1 ? scans[0]!.name : `${scans.length} scans`
  return `${who} of ${formatShape(scans[0]!.grid.shape)} voxels${contrasts > 1 ? `, ${contrasts} contrasts` : ''}`
}

/**
 * The data with the classes of a table, if no file had named them. Data with a reference keep the guessed table, because the
 * reference was read with it.
 */
export function namedBy(data: DataSet, table: LabelTable | undefined): DataSet {
  const { knowledge, scans } = data
  if (!table || !knowledge?.guessed || scans.some(({ truth }) => truth)) return data
  return { ...data, id: crypto.randomUUID(), knowledge: { ...knowledge, table } }
}

export function summaryOf({ description, scans, knowledge, notes }: DataSet): DataSummary {
  const scored = scans.flatMap(({ truth }) => (truth ? [truth] : []))
  const classes = knowledge?.table.classes ?? []
  return {
    description,
    scans: scans.map((scan) => ({ name: scan.name, contrasts: contrastsOf(scan).map(({ name }) => name) })),
    scored: scored.length > 0,
    classes: classes.map(({ name, codes }, c) => {
      return { name, code: codes[0]!, colour: `rgb(${classColour(c).join(' ')})` }
    }),
    priorDice: knowledge && scored.length > 0 ? priorScore(knowledge, scored) : undefined,
    notes,
  }
}

function priorScore({ prior, table }: Knowledge, truths: readonly Uint8Array[]): number {
  const argmax = priorArgmax(prior.data, prior.classes)
  const counted = foregroundClasses(table)
  const scores = truths.map((truth) => meanDice(diceScores(argmax, truth, prior.classes), counted))
  return scores.reduce((sum, score) => sum + score, 0) / scores.length
}

interface Known {
  readonly volume: Volume
  readonly knowledge: Knowledge
}

/** A scan of the volumes of a file, on the grid of the prior if there is one. */
async function readImage(file: File, known: Known | undefined, notes: string[]): Promise<Scan> {
  const volumes = await readContrasts(file, notes)
  const name = stem(file.name)
  const contrasts = volumes.map((volume, c) => {
    if (looksLikeLabels(volume)) {
      const what = `${volume.source} looks like a label map, not like a scan`
      if (known) throw new UserError(`${what}; choose it as the prior or as a reference`)
      notes.push(what)
    }
    return placedContrast(volumes.length === 1 ? name : `${name}, volume ${c + 1}`, volume, known, notes)
  })
  return scanOfContrasts(name, contrasts)
}

function placedContrast(name: string, image: Volume, known: Known | undefined, notes: string[]): Contrast {
  const { data, grid } = image
  if (!known) return { name, data, grid }
  const { volume, remark, way } = placedOnto(image, known.volume, 'the prior and the scan')
  note(notes, remark)
  const original = way === 'resampled' ? { original: { data, grid } } : {}
  return { name, data: volume.data, grid: volume.grid, ...original }
}

async function withTruths(
  scans: readonly Scan[],
  files: readonly File[],
  { volume: prior, knowledge }: Known,
  notes: string[],
): Promise<Scan[]> {
  const scored: Scan[] = []
  for (const [i, scan] of scans.entries()) {
    const file = files[i]
    if (!file) return [...scans]
    const labels = placedOnto(await readLabels(file, notes), prior, 'the reference and the scan')
    note(notes, labels.remark)
    scored.push({ ...scan, truth: toClasses(labels.volume.data, knowledge.table, file.name, remedy) })
  }
  return scored
}

/** A prior as it is, or one from a label map, as `sae prior` makes it. */
async function readPrior(files: ChosenFiles, notes: string[]): Promise<Known | undefined> {
  const { prior: file, table: tableFile } = files
  if (!file) return undefined
  const volume = await readVolume(file, notes)
  requireFinite(volume)
  const { data, channels, grid } = volume
  const { shape } = grid
  const given = tableFile && parseLabelTable(await textOf(tableFile), tableFile.name)
  if (channels === 1) return priorOfMap(await readLabels(file, []), given, files, notes)
  checkPrior(data, shape, channels, file.name)
  const table =
    given ?? (channels === freeSurferTable.classes.length ? freeSurferTable : identityTable(channels))
  if (table.classes.length !== channels) {
    throw new UserError(
      `${tableFile!.name} has ${table.classes.length} classes, but ${file.name} has ${channels} channels`,
    )
  }
  return { volume, knowledge: { prior: { data, classes: channels, shape }, table, guessed: !given } }
}

function priorOfMap(
  labels: LabelVolume,
  given: LabelTable | undefined,
  { meaning, blur }: ChosenFiles,
  notes: string[],
): Known {
  const table = given ?? (meaning === 'freesurfer' ? freeSurferTable : numberedTable(labels))
  const { grid, source } = labels
  const classes = table.classes.length
  const size = grid.known ? voxelSize(grid.affine) : ([1, 1, 1] as const)
  const sigma = [blur / size[0], blur / size[1], blur / size[2]] as const
  const data = priorFromLabels(toClasses(labels.data, table, source, remedy), grid.shape, classes, { sigma })
  notes.push(`${source}: a label map; made a prior of ${classes} classes from it`)
  const volume = { ...labels, data, channels: classes }
  return { volume, knowledge: { prior: { data, classes, shape: grid.shape }, table } }
}

const remedy = (): string =>
  'open a table of its classes with it, or say under "Choose data in detail" that labels are numbered from 0'

function numberedTable({ data, source }: LabelVolume): LabelTable {
  const highest = data.reduce((most, label) => Math.max(most, label), 0)
  if (highest < 1 || highest > 63) {
    throw new UserError(`${source}: the labels end at ${highest}; classes are numbered from 0 to at most 63`)
  }
  return identityTable(Math.round(highest) + 1)
}

/** Files sorted by name: scans and their references are paired in this order. */
function byName(files: readonly File[]): File[] {
  return [...files].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

function stem(name: string): string {
  return name.replace(/\.(nii\.gz|nii|mgz|mgh|npz|npy)$/i, '')
}

function note(notes: string[], text: string | undefined): void {
  if (text !== undefined) notes.push(text)
}
