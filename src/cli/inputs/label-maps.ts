import { existsSync } from 'node:fs'
import { UserError } from '../../errors.js'
import { readText } from '../../io/files.js'
import type { LabelVolume, VolumeHeader } from '../../io/volume.js'
import { classify, describeCodes, type Classified } from '../../sae/labels/label-codes.js'
import { freeSurferTable } from '../../sae/labels/freesurfer-table.js'
import { identityTable, meaningOf, sameClasses, type LabelTable } from '../../sae/labels/label-table.js'
import { canonical, readClasses } from './classes.js'
import { parseDsegTable, type LabelValues } from '../tables/dseg-table.js'
import { besideVolume, nameOfVolume } from '../outputs/file-names.js'
import type { Terminal } from '../terminal.js'

/** What the values of a label map mean. */
export interface MapTable {
  readonly table: LabelTable
  /** Where the table is from, for messages. */
  readonly source: string
  /** Whether voxels hold codes or classes, if the table comes with the map and says so. */
  readonly values?: LabelValues
  /** No file and no option names the table. */
  readonly assumed?: boolean
}

/**
 * The table of a label map: the one asked for, else that of the .tsv that `sae segment` leaves beside its segmentations,
 * else FreeSurfer's.
 *
 * @throws UserError if a file is damaged
 */
export async function tableOfMap(path: string, asked: string | undefined): Promise<MapTable> {
  if (asked !== undefined) return { table: await readClasses(asked), source: `--classes ${asked}` }
  return (
    (await dsegTable(besideVolume(path, '.tsv'))) ?? {
      table: freeSurferTable,
      source: "FreeSurfer's table",
      assumed: true,
    }
  )
}

/**
 * How to read a reference in the classes of another table: if the .tsv beside it has the same, as that says.
 *
 * @throws UserError if a file is damaged
 */
export async function tableOfReference(path: string, wanted: MapTable): Promise<MapTable> {
  const own = await dsegTable(besideVolume(path, '.tsv'))
  return own && sameClasses(own.table, wanted.table) ? own : wanted
}

/** The table in a .tsv of ours; undefined if there is none. @throws UserError if it is damaged */
export async function dsegTable(path: string): Promise<MapTable | undefined> {
  if (!existsSync(path)) return undefined
  const kept = parseDsegTable(await readText(path), path)
  return kept && { table: canonical(kept.table), source: path, values: kept.values }
}

/** What a label map's own header says of its values; goes into NIfTI's `descrip`. */
export function describeValues(table: LabelTable, values: LabelValues): string {
  const what = values === 'classes' ? `classes 0..${table.classes.length - 1}` : 'codes'
  return `sae-webgpu: ${what} of table ${fingerprint(table)}`
}

/** What `describeValues` wrote. */
const described = /^sae-webgpu: (codes|classes) ?\S* of table ([0-9a-f]{8})/

/**
 * Requires that a file is no segmentation that sae wrote: by its header if it is NIfTI, else by the .tsv beside it or its
 * name, since the other formats have no place for a description.
 *
 * @throws UserError
 */
export async function requireNoSegmentation({ description, source }: VolumeHeader): Promise<void> {
  const table = besideVolume(source, '.tsv')
  const refuse = (what: string): never => {
    throw new UserError(`${source}: is a label map ${what}, not a scan; give the scan instead`)
  }
  if (described.test(description ?? '')) refuse('that sae wrote, by its header')
  if (await dsegTable(table)) refuse(`that sae wrote, by ${table}`)
  if (nameOfVolume(source).endsWith('_dseg')) refuse('by its name')
}

/**
 * Whether the voxels of a label map hold codes or classes, by its header and its table.
 *
 * @throws UserError if the two contradict each other
 */
export function valuesOf(map: VolumeHeader, { table, source, values }: MapTable): LabelValues {
  const [, what, print] = described.exec(map.description ?? '') ?? []
  if (what === undefined) return values ?? 'codes'
  const said = what as LabelValues
  if (values !== undefined && said !== values) {
    throw new UserError(
      `${map.source}: holds ${said} by its header but ${values} by ${source}; remove the one that is wrong`,
    )
  }
  const numbered = table.classes.every(({ codes }, c) => codes.length === 1 && codes[0] === c)
  if (
    numbered
      ? said === 'codes' && print !== fingerprint(table)
      : said === 'classes' && print !== fingerprint(table)
  ) {
    throw new UserError(
      `${map.source}: by its header it holds the ${said} of another table than ${source}; give the table that it was written with by --classes, or put its .tsv beside it`,
    )
  }
  return said
}

/** The table by which the voxels of a label map stand for classes. @throws UserError as `valuesOf` */
export function tableOfValues(map: VolumeHeader, described: MapTable): LabelTable {
  const { table } = described
  return valuesOf(map, described) === 'classes' ? identityTable(table.classes.length) : table
}

/**
 * The classes of a label map; says which of its values are in no class, so that the rest takes them.
 *
 * @throws UserError as `classify` and `valuesOf`
 */
export function classesOfMap(map: LabelVolume, described: MapTable, terminal: Terminal): Classified {
  const { table } = described
  const classified = classify(map.data, tableOfValues(map, described), map.source, remedy)
  const { unlisted } = classified
  if (unlisted.length > 0) {
    terminal.warn(
      `${map.source}: ${describeCodes(unlisted)} ${unlisted.length === 1 ? 'is' : 'are'} not in the label table; taken for "${table.classes[table.rest!]!.name}"`,
    )
  }
  return classified
}

const remedy = (classes?: number): string =>
  classes === undefined
    ? 'give the table of its labels with --classes'
    : `put the .tsv that sae wrote with it beside it, or give their table with --classes (${classes} for classes 0 to ${classes - 1} without names)`

/** Eight hexadecimal digits that two tables of other classes hardly share (32-bit FNV-1a). */
function fingerprint(table: LabelTable): string {
  const text = table.classes.map((_, c) => meaningOf(table, c)).join(';')
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** In any brain, FreeSurfer's codes go beyond 13; a map without such codes most likely holds classes. */
export function warnOfBareClasses({ data, source }: LabelVolume, terminal: Terminal): void {
  const highest = data.reduce((most, label) => Math.max(most, label), 0)
  // Other than whole numbers are refused later.
  if (highest >= freeSurferTable.classes.length || !Number.isInteger(highest)) return
  terminal.warn(
    `${source}: the highest label is ${highest}, read as a FreeSurfer code; if the labels are classes, give --classes ${highest + 1}`,
  )
}
