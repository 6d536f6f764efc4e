import { basename } from 'node:path'
import { UserError } from '../errors.js'

const extension = /\.(nii|nii\.gz|npz|npy)$/i

/** A volume's path with another ending: `out/scan.nii.gz` -> `out/scan.json`. */
export function besideVolume(path: string, ending: string): string {
  return path.replace(extension, '') + ending
}

/** `scans/sub-01.nii.gz` -> `sub-01`. */
export function subjectName(path: string): string {
  return basename(path).replace(extension, '')
}

/** The subject names of several scans. @throws UserError if two are equal, because their outputs would be too */
export function subjectNames(paths: readonly string[]): string[] {
  const names = paths.map(subjectName)
  const owners = new Map<string, string>()
  names.forEach((name, i) => {
    const other = owners.get(name)
    if (other !== undefined) {
      throw new UserError(
        `${other} and ${paths[i]!} would both be written as ${name}; rename one or use two folders`,
      )
    }
    owners.set(name, paths[i]!)
  })
  return names
}
