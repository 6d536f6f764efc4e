import { UserError } from '../../errors.js'
import { labelMaps, pairByName } from './name-pairs.js'

/**
 * Requires that label maps are in the order of their scans, if the names say whose each one is: the scans of a folder are
 * in natural order, s2 before s10, but a shell sorts the label maps in its own.
 *
 * @throws UserError
 */
export function requireLabelOrder(scans: readonly string[], labels: readonly string[]): void {
  if (labels.length !== scans.length) return // which is said elsewhere
  const partners = partnersOf(scans, labels)
  const at = scans.findIndex((scan, i) => partners.get(scan) !== labels[i])
  if (partners.size < scans.length || at === -1) return
  const scan = scans[at]!
  throw new UserError(
    `--labels: by the names, ${partners.get(scan)!} is that of ${scan}, but ${labels[at]!} is in its place; give them in the order of the scans, which is natural (2 before 10) in folders and globs, or give a list with a column labels`,
  )
}

/** The label map of each scan by the names; of fewer scans if these do not say. */
function partnersOf(scans: readonly string[], labels: readonly string[]): ReadonlyMap<string, string> {
  try {
    const { pairs } = pairByName(scans, labels, labelMaps)
    return new Map(pairs.map(({ first, second }) => [first, second]))
  } catch (error) {
    // Two names are equal, such as those of one label map for two scans.
    if (error instanceof UserError) return new Map()
    throw error
  }
}
