import { basename, dirname, resolve } from 'node:path'
import { UserError } from '../../errors.js'
import { firstFile } from '../inputs/channel-files.js'
import { outputName } from '../program-name.js'

const extension = /\.(nii|nii\.gz|mgz|mgh|hdr|hdr\.gz|img|img\.gz|npz|npy)$/i

/** Whether a file is a volume, by its name. */
export const isVolumeName = (path: string): boolean => extension.test(path)

/** The name of a volume's file without what says its format: `scan.nii.gz` -> `scan`. */
export const nameOfVolume = (file: string): string => file.replace(extension, '')

/** A volume's path with another ending: `out/scan.nii.gz` -> `out/scan.json`. */
export function besideVolume(path: string, ending: string): string {
  return path.replace(extension, '') + ending
}

/**
 * A scan's name with the BIDS entities that only its folders have: `scans/a.nii.gz` -> `a`,
 * `sub-01/ses-2/anat/T1w.nii.gz` -> `sub-01_ses-2_T1w`. A scan of several channels is named after the first.
 */
export function subjectName(scan: string): string {
  const path = firstFile(scan)
  const name = basename(path).replace(extension, '')
  if (/(^|_)sub-/.test(name)) return name
  const folders = foldersOf(path)
  const entities = ['sub-', 'ses-'].flatMap((key) => folders.find((folder) => folder.startsWith(key)) ?? [])
  return [...entities, name].join('_')
}

/**
 * A name for each scan, all of them different: `subjectName`, with names of the folders above it, `bert_T1w`, for those
 * that would else have one in common or one that is taken.
 *
 * @param isTaken whether the outputs of this name are another scan's
 * @param nameOf the name that the scan's outputs have already, if there are any
 * @throws UserError if two scans cannot be told apart
 */
export function distinctNames(
  paths: readonly string[],
  isTaken: (name: string, path: string) => boolean = () => false,
  nameOf: (path: string, candidates: readonly string[]) => string | undefined = () => undefined,
): string[] {
  const choices = paths.map((path) => {
    const candidates = candidateNames(path)
    const known = nameOf(path, candidates)
    return known === undefined ? candidates : [known]
  })
  const levels = paths.map(() => 0)
  for (;;) {
    const names = levels.map((level, i) => choices[i]![level]!)
    const clash = names.map(
      (name, i) => names.indexOf(name) !== names.lastIndexOf(name) || isTaken(name, paths[i]!),
    )
    if (!clash.includes(true)) return names
    const movable = levels.map((level, i) => clash[i]! && level + 1 < choices[i]!.length)
    if (!movable.includes(true)) throw clashError(paths, names, clash.indexOf(true))
    movable.forEach((moves, i) => (levels[i]! += moves ? 1 : 0))
  }
}

function clashError(paths: readonly string[], names: readonly string[], at: number): UserError {
  const other = names.lastIndexOf(names[at]!)
  const name = subjectName(paths[at]!)
  return new UserError(
    other === at
      ? `${paths[at]!} would be written as ${name}, which is another scan's; give another ${outputName}`
      : `${paths[at]!} and ${paths[other]!} would both be written as ${name}; rename one or use two folders`,
  )
}

/** `subjectName`; the same after the name of one folder above it; after those of two, of three and so on. */
export function candidateNames(path: string): string[] {
  const name = subjectName(path)
  const folders = foldersOf(path).filter((folder) => !name.split('_').includes(folder))
  return [
    name,
    ...folders.map((folder) => `${folder}_${name}`),
    ...folders.map((_, i) => [...folders.slice(0, i + 1).toReversed(), name].join('_')),
  ]
}

/** The names of the folders that a file lies in, the nearest first. */
function foldersOf(path: string): string[] {
  const names: string[] = []
  for (let folder = dirname(resolve(firstFile(path))); basename(folder) !== ''; folder = dirname(folder))
    names.push(basename(folder))
  return names
}
