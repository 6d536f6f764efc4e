import { UserError } from '../../errors.js'
import type { Grid, LabelVolume } from '../../io/volume.js'
import { classFinder, countCodes, toClasses } from '../../sae/labels/label-codes.js'
import { identityTable, type LabelClass, type LabelTable } from '../../sae/labels/label-table.js'
import { makePhantom, phantomTable } from '../../sae/phantom/phantom.js'
import { boxShape, type Box } from '../../ops/shared/box.js'
import { classBoxes, forEachRow } from '../../sae/separable-filter.js'
import type { SpatialShape } from '../../sae/shape.js'
import { isOutsideBrain } from '../../sae/synth/tissues.js'

/** A label map to make scans from, cut to the box of its brain. */
export interface Anatomy {
  readonly name: string
  /** The classes to paint, [D, H, W] of the box; 0 is background. */
  readonly classes: Uint8Array
  readonly shape: SpatialShape
  /** The box in the voxels of the file. */
  readonly box: Box
  /** Grid of the file. */
  readonly grid: Grid
  /** The codes of each painted class, for its intensities. */
  readonly painted: LabelTable
  /** The class of each painted class in the table of the truth. */
  readonly truth: Uint8Array
}

/**
 * The anatomy of a label map in FreeSurfer codes. Codes that look alike are painted as one class. Other codes are painted
 * separately, even if the table merges them: a merged class keeps the appearance of each of its regions. What skull stripping
 * removes becomes background, unless the table has a class for it.
 *
 * @param look the appearance of a code: equal for codes that look alike, undefined for a code that no other looks like
 * @throws UserError for labels that the table lacks, for a map without brain, or for more than 255 different appearances
 */
export function anatomyOfCodes(
  map: LabelVolume,
  table: LabelTable,
  name: string,
  look: (code: number) => unknown,
): Anatomy {
  const groups = groupCodes(map, table, look)
  if (groups.length > 255) {
    throw new UserError(`${map.source}: has ${groups.length} regions; the limit is 255`)
  }
  const paintedAs = new Map(groups.flatMap(({ codes }, c) => codes.map((code) => [code, c + 1] as const)))
  const classes = Uint8Array.from(map.data, (code) => paintedAs.get(code) ?? 0)
  const painted = { classes: [[0], ...groups.map(({ codes }) => codes)].map(labelClass) }
  const truth = Uint8Array.from([0, ...groups.map((group) => group.truth)])
  return cutToBrain({ name, classes, grid: map.grid, painted, truth }, map.source)
}

/** Codes that look alike and belong to one class. */
interface CodeGroup {
  readonly codes: number[]
  readonly look: unknown
  readonly truth: number
}

/** The codes of a map's brain, in groups. */
function groupCodes(
  { data, source }: LabelVolume,
  table: LabelTable,
  look: (code: number) => unknown,
): CodeGroup[] {
  const groups: CodeGroup[] = []
  const classOf = classFinder(table)
  for (const code of Array.from(countCodes(data, source).keys()).sort((a, b) => a - b)) {
    const listed = classOf(code)
    if (code === 0 || (isOutsideBrain(code) && !isWanted(code, listed, table))) continue
    const truth = listed ?? table.rest
    if (truth === undefined) {
      throw new UserError(
        `${source}: label ${code} is in no class of the label table; add it or name a rest class`,
      )
    }
    const own = look(code) ?? code
    const group = groups.find((other) => other.look === own && other.truth === truth)
    if (group) group.codes.push(code)
    else groups.push({ codes: [code], look: own, truth })
  }
  return groups
}

/** Whether a table has a class for a code: not the background, and not the rest for want of another. */
function isWanted(code: number, listed: number | undefined, { classes, rest }: LabelTable): boolean {
  if (listed === undefined || listed === 0) return false
  return listed !== rest || classes[listed]!.codes.includes(code)
}

/** The anatomy of a label map whose values are the classes 0..K-1. @throws UserError as `anatomyOfCodes` */
export function anatomyOfClasses(map: LabelVolume, table: LabelTable, name: string): Anatomy {
  const classes = toClasses(map.data, identityTable(table.classes.length), map.source)
  const truth = Uint8Array.from(table.classes, (_, c) => c)
  return cutToBrain({ name, classes, grid: map.grid, painted: table, truth }, map.source)
}

/** Phantoms of one family, about 180 mm along their longest side. @throws UserError if the shape is too small */
export function phantomAnatomies(shape: SpatialShape, count: number, seed: number): Anatomy[] {
  const size = 180 / Math.max(...shape)
  const affine = [0, 1, 2].map((row) => {
    const line = [0, 0, 0, (-size * (shape[row]! - 1)) / 2]
    line[row] = size
    return line
  })
  const grid: Grid = { shape: [...shape], affine: [...affine, [0, 0, 0, 1]], known: true }
  const truth = Uint8Array.from(phantomTable.classes, (_, c) => c)
  return makePhantom({ seed, shape, subjects: count }).subjects.map(({ labels }, i) => ({
    name: `phantom-${i + 1}`,
    classes: labels,
    shape,
    box: { start: [0, 0, 0], stop: shape },
    grid,
    painted: phantomTable,
    truth,
  }))
}

function labelClass(codes: readonly number[]): LabelClass {
  const name = codes.join('+')
  return { name, abbreviation: name, codes }
}

function cutToBrain(anatomy: Omit<Anatomy, 'shape' | 'box'>, source: string): Anatomy {
  const { shape } = anatomy.grid
  const box = brainBox(anatomy.classes, shape)
  if (!box) throw new UserError(`${source}: no voxel belongs to the brain`)
  const [D, H, W] = boxShape(box)
  const classes = new Uint8Array(D * H * W)
  forEachRow(box, shape, (offset, boxOffset, length) => {
    classes.set(anatomy.classes.subarray(offset, offset + length), boxOffset)
  })
  return { ...anatomy, classes, shape: [D, H, W], box }
}

/** The smallest box that holds everything but background; undefined if there is nothing else. */
export function brainBox(classes: Uint8Array, shape: SpatialShape): Box | undefined {
  return classBoxes(
    classes.map((c) => (c === 0 ? 0 : 1)),
    shape,
    2,
    [0, 0, 0],
  )[1]
}
