import { InvalidArgumentError } from 'commander'
import { UserError } from '../../errors.js'
import { readLabelVolume } from '../../io/files.js'
import type { Grid, LabelVolume } from '../../io/volume.js'
import { fitLinear } from '../../register/affine-fit.js'
import { centroidsOf, fitCentroids, pairsOf, residualOf } from '../../register/centroids.js'
import type { PlacedLabels } from '../../register/image.js'
import { likenessOfLabels } from '../../register/likeness.js'
import { doubtOf } from '../../register/describe.js'
import { inverse } from '../../register/placed.js'
import { Pullback, type Transform } from '../../register/pullback.js'
import { fitSmooth } from '../../register/smooth-fit.js'
import { addVotes } from '../../register/votes.js'
import { classify, countCodes } from '../../sae/labels/label-codes.js'
import { blurPrior } from '../../sae/prior/prior-from-labels.js'
import { voxelsOf, type SpatialShape } from '../../sae/shape.js'
import { readLabels } from '../inputs/inputs.js'
import { requireSameClasses } from '../inputs/classes.js'
import { classesOfMap, tableOfMap, tableOfValues, valuesOf, type MapTable } from '../inputs/label-maps.js'
import { expectedVoxels, requireNoTissueMap, tablesOfMaps, type MadePrior } from './prior-sources.js'
import { readScanToRegister, toPlaced, type RegisteredScan } from '../register/registration.js'
import { subsample } from '../grids/subsample.js'
import type { Terminal } from '../terminal.js'
import { codesOutside } from './codes-outside.js'

/** How label maps are fitted onto a reference. */
export interface LikeOptions {
  readonly like: string
  readonly classes?: string
  readonly every: number
  readonly transform: 'affine' | 'smooth'
  readonly volume?: number | undefined
  readonly outside?: readonly (readonly [number, number])[]
}

/** Argument parser: `24,500-530`. */
export function codeRanges(text: string): [number, number][] {
  return text.split(',').map((part) => {
    const [, first, last] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? []
    if (first !== undefined && Number(last ?? first) >= Number(first))
      return [Number(first), Number(last ?? first)]
    throw new InvalidArgumentError('It must be codes and ranges of codes, such as 24,500-530.')
  })
}

/** What the label maps are brought onto. */
type Reference =
  | { readonly kind: 'scan'; readonly scan: RegisteredScan }
  | { readonly kind: 'labels'; readonly labels: DescribedMap }

/** A label map, and what its values mean. */
interface DescribedMap {
  readonly map: LabelVolume
  readonly table: MapTable
}

const holdsClasses = ({ map, table }: DescribedMap): boolean => valuesOf(map, table) === 'classes'

/** The mean of label maps from anywhere, each fitted onto a reference, on the grid of that. */
export async function fromMapsLike(
  sources: readonly string[],
  options: LikeOptions,
  sigmaOn: (grid: Grid) => SpatialShape,
  terminal: Terminal,
): Promise<MadePrior & { readonly whole: Grid }> {
  const reference = await readReference(options, terminal)
  const whole = reference.kind === 'scan' ? reference.scan.grid : reference.labels.map.grid
  const tables = await tablesOfMaps(sources, options.classes)
  const { table } = tables[0]
  const K = table.classes.length
  const size = voxelsOf(whole.shape)
  const prior = new Float32Array(K * size)
  for (const [i, source] of sources.entries()) {
    const map = await readLabels(source, terminal, options.volume)
    requireNoTissueMap(map)
    const isCoded = !holdsClasses({ map, table: tables[i]! })
    if (options.outside && !isCoded)
      throw new UserError(`${source}: holds classes, not codes, so --outside names none of it; leave it out`)
    const inside = { ...map, data: withoutOutside(map.data, options.outside ?? []) }
    const { transform, quality } = fitMap(
      { map: inside, table: tables[i]! },
      reference,
      options.transform,
      terminal,
    )
    terminal.status(`${source}: ${quality}`)
    const { classes } = classesOfMap(inside, tables[i]!, terminal)
    const pullback = new Pullback(toPlaced(map.grid), toPlaced(whole), transform)
    addVotes(classes, pullback, prior, 1 / sources.length)
    const outside =
      reference.kind === 'scan' && isCoded
        ? codesOutside(inside.data, pullback, reference.scan.image.data, classes, table.rest)
        : undefined
    if (outside)
      terminal.warn(
        `${source}: ${(100 * outside.share).toFixed(0)} % of its labels lie where ${options.like} is empty, and no method finds anything there; if its skull was stripped, give --outside ${outside.codes}`,
      )
  }
  blurPrior(prior, whole.shape, K, sigmaOn(whole))
  const voxels = expectedVoxels(prior, K)
  const thin = subsample({ data: prior, channels: K, grid: whole, source: options.like }, options.every)
  return { prior: thin.data, table, voxels, whole }
}

async function readReference(
  { like, classes, transform }: LikeOptions,
  terminal: Terminal,
): Promise<Reference> {
  const map = await readLabelVolume(like)
  if (map.channels > 1)
    throw new UserError(`${like}: has several channels; --like takes a scan or a label map of one`)
  const labels = { map, table: await tableOfMap(like, classes) }
  if (isLabelMap(labels)) {
    if (transform === 'smooth')
      throw new UserError(
        `${like}: is a label map, onto which maps are only fitted by the centres of their structures; leave out --transform smooth, or give a scan`,
      )
    terminal.note(`${like}: taken for a label map; maps are fitted by the centres of their structures`)
    return { kind: 'labels', labels }
  }
  return { kind: 'scan', scan: await readScanToRegister(like, terminal) }
}

/** Scans may be whole numbers too, but few of them are codes of a table. */
function isLabelMap({ map, table: described }: DescribedMap): boolean {
  const { data, source } = map
  if (!data.every((value) => Number.isInteger(value) && value >= 0)) return false
  const table = tableOfValues(map, described)
  const foreground = data.reduce((sum, value) => sum + Number(value !== 0), 0)
  try {
    const strange = classify(data, table, source).unlisted.reduce((sum, { voxels }) => sum + voxels, 0)
    return strange < 0.1 * foreground
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

function withoutOutside(data: Float64Array, outside: readonly (readonly [number, number])[]): Float64Array {
  const isOutside = (code: number): boolean => outside.some(([first, last]) => code >= first && code <= last)
  return outside.length === 0 ? data : translated(data, data.slice(), (code) => (isOutside(code) ? 0 : code))
}

/** Writes what each code becomes into `result`. Neighbours mostly agree, so remembering the last code saves most calls. */
function translated<T extends Float64Array | Uint8Array>(
  codes: Float64Array,
  result: T,
  translate: (code: number) => number,
): T {
  let [last, becomes] = [NaN, 0]
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    if (code !== last) {
      last = code
      becomes = translate(code)
    }
    result[i] = becomes
  }
  return result
}

function fitMap(
  labels: DescribedMap,
  reference: Reference,
  kind: LikeOptions['transform'],
  terminal: Terminal,
): { transform: Transform; quality: string } {
  const { map } = labels
  const grid = toPlaced(map.grid)
  if (reference.kind === 'labels') {
    const { map: other } = reference.labels
    const [to, from] = structuresOf(reference.labels, labels)
    const pairs = pairsOf(centroidsOf(to, toPlaced(other.grid)), centroidsOf(from, grid))
    if (pairs.length < 3) {
      throw new UserError(
        `${map.source} and ${other.source} have ${pairs.length} labels in common; fitting takes 3 or more`,
      )
    }
    const fitted = fitCentroids(pairs)
    const residual = residualOf(pairs, fitted).toFixed(1)
    return {
      transform: { map: fitted },
      quality: `${pairs.length} structures fitted to within ${residual} mm`,
    }
  }
  const { scan } = reference
  const image: PlacedLabels = { ...grid, ...categoriesOf(map.data) }
  const names = [map.source, scan.source] as const
  const found = fitLinear({ kind: 'labels', image }, scan.image, 'affine', names)
  const doubt = doubtOf(found.map, names)
  if (doubt !== undefined) terminal.warn(doubt)
  const back = inverse(found.map)
  const affineQuality = `mutual information ${found.information.toFixed(3)} nats`
  if (kind === 'affine') return { transform: { map: back }, quality: affineQuality }
  const { transform, leastJacobian } = fitSmooth(scan.image, back, likenessOfLabels(image))
  return { transform, quality: `${affineQuality}, least Jacobian determinant ${leastJacobian.toFixed(3)}` }
}

/**
 * The structures of two maps under the same numbers: their codes or, if one of them holds classes, the classes of both.
 *
 * @throws UserError if those are other classes
 */
function structuresOf(a: DescribedMap, b: DescribedMap): [Float64Array, Float64Array] {
  if (!holdsClasses(a) && !holdsClasses(b)) return [a.map.data, b.map.data]
  requireSameClasses(b.table, a.table)
  const classesOf = ({ map, table }: DescribedMap): Float64Array =>
    Float64Array.from(classify(map.data, tableOfValues(map, table), map.source).classes)
  return [classesOf(a), classesOf(b)]
}

/** The most categories of a map that are told apart; rarer codes share the last. */
const most = 200

/** Codes as categories: 0 stays the background, the others by how frequent they are. */
function categoriesOf(codes: Float64Array): { data: Uint8Array; count: number } {
  const counts = countCodes(codes)
  const others = [...counts].filter(([code]) => code !== 0).sort(([a, m], [b, n]) => n - m || a - b)
  const category = new Map(others.map(([code], i) => [code, Math.min(i + 1, most - 1)]))
  category.set(0, 0)
  return {
    data: Uint8Array.from(codes, (code) => category.get(code)!),
    count: Math.min(others.length + 1, most),
  }
}
