import type { Grouping, SortedFile } from './protocol.js'

/** What the files that were dropped or chosen together are for: positions in the list. */
export interface Roles {
  readonly scans: readonly number[]
  /** Contrasts of one person if their names differ in the contrast alone, such as T1w and T2w. */
  readonly grouping: Grouping
  readonly prior: number | undefined
  readonly truths: readonly number[]
  readonly table: number | undefined
  readonly weights: number | undefined
}

/**
 * Distributes files. A label map is a reference if its name says so or there is a prior already and one for each scan;
 * otherwise it is another person's, to make a prior from.
 *
 * @param chosen what is chosen already and stays if no new file replaces it: of how many people the scans are, and a prior
 */
export function rolesOf(
  files: readonly SortedFile[],
  chosen: { readonly people: number; readonly prior: boolean },
): Roles {
  const of = (kind: string): number[] =>
    files.flatMap((file, i) => ('kind' in file && file.kind === kind ? [i] : []))
  const [scans, maps] = [of('scan'), of('labels')]
  let prior = of('prior')[0]
  const grouping = groupingOf(scans.map((i) => files[i]!.name))
  const people = grouping === 'contrasts' ? 1 : scans.length || chosen.people
  const named = maps.filter((i) => /truth|reference|dseg|_seg/i.test(files[i]!.name))
  let truths = named
  const others = maps.filter((i) => !named.includes(i))
  if (prior === undefined && !(chosen.prior && others.length === people && scans.length === 0)) {
    // Without any other, a map that is named as a reference is all there is to make a prior from.
    if (others.length > 0) prior = others.shift()
    else if (!chosen.prior && named.length === 1 && maps.length === 1) [prior, truths] = [named[0], []]
  }
  const references = [...truths, ...others].sort((a, b) => a - b)
  return {
    scans,
    grouping,
    prior,
    truths: references.length === people ? references : [],
    table: of('table')[0],
    weights: of('weights')[0],
  }
}

/** What scans of these names are, judging by the names alone. */
export function groupingOf(names: readonly string[]): Grouping {
  const contrasts = names.map((name) => contrastInName.exec(name)?.[1]?.toLowerCase())
  const people = new Set(names.map((name) => name.replace(contrastInName, '')))
  const differ = new Set(contrasts).size === names.length && !contrasts.includes(undefined)
  return names.length > 1 && people.size === 1 && differ ? 'contrasts' : 'people'
}

/** At the end of a name, as in BIDS or alone. */
const contrastInName = /(?:^|[-_.])(t1w?|t2w?|pdw?|flair)(?=\.[a-z.]+$)/i

/** One line about what became of the files. */
export function describeRoles(files: readonly SortedFile[], roles: Roles): string {
  const name = (i: number): string => files[i]!.name
  const parts: string[] = []
  const list = (indices: readonly number[], one: string, many: string): void => {
    if (indices.length === 1) parts.push(`${name(indices[0]!)} as ${one}`)
    else if (indices.length > 1) parts.push(`${indices.length} ${many}`)
  }
  const [first] = roles.scans.map((i) => files[i]!)
  const contrasts = first && 'kind' in first && first.contrasts ? ` of ${first.contrasts} contrasts` : ''
  const joined = roles.grouping === 'contrasts'
  list(roles.scans, `a scan${contrasts}`, joined ? 'contrasts of one person' : `scans${contrasts}`)
  if (roles.prior !== undefined) {
    const file = files[roles.prior]!
    const isMap = 'kind' in file && file.kind === 'labels'
    parts.push(`${file.name} as ${isMap ? "another person's label map, to make a prior from" : 'the prior'}`)
  }
  list(roles.truths, 'the reference', 'references')
  if (roles.table !== undefined) parts.push(`${name(roles.table)} as the table of classes`)
  if (roles.weights !== undefined) parts.push(`${name(roles.weights)} as weights`)
  return parts.length === 0 ? '' : `Took ${parts.join('; ')}.`
}
