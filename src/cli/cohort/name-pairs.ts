import { distinctNames } from '../outputs/file-names.js'
import { entityOrder } from './bids-names.js'

/** What names say about two files that belong together. */
export interface NamePair {
  readonly first: string
  readonly second: string
  /** What their names share, by which tables name the two. */
  readonly name: string
}

/** A file without a partner, and those of the other side that it might have: none, or more than one. */
export interface Unpaired {
  readonly file: string
  readonly candidates: readonly string[]
}

export interface NamePairs {
  readonly pairs: readonly NamePair[]
  readonly unpaired: { readonly first: readonly Unpaired[]; readonly second: readonly Unpaired[] }
}

interface Named {
  readonly file: string
  readonly stem: string
  readonly entities: ReadonlyMap<string, string>
}

/** What kind of files are paired. */
export interface PairedKind {
  /** What a stem ends in that says nothing of whose file it is, such as `_dseg`. */
  readonly ending: RegExp
  /** Whether the only files of a participant's session are partners, however they were acquired. */
  readonly bySession: boolean
}

/** Label maps and their scans, or their references. The ending says what a label map is, not of which scan. */
export const labelMaps: PairedKind = {
  ending: /[-_.](dseg|seg|aseg|labels?|truth|reference|manual)$/i,
  bySession: false,
}

/**
 * Pairs two lists of files by their names, in the order of the first: those whose stems are equal, and of the rest those
 * whose BIDS entities say that they are of one scan, or of one session. Nobody is paired who could have two partners.
 */
export function pairByName(
  first: readonly string[],
  second: readonly string[],
  { ending, bySession }: PairedKind,
): NamePairs {
  const [a, b] = [first, second].map((files) => {
    const names = distinctNames(files)
    return files.map((file, i): Named => {
      const stem = names[i]!.replace(ending, '')
      return { file, stem, entities: entitiesOf(stem) }
    })
  }) as [Named[], Named[]]
  const partners = new Map<Named, Named>()
  const passes = [sameStem, sameScan, ...(bySession ? [sameSession] : [])]
  for (const fits of passes) {
    const taken = new Set(partners.values())
    const [freeA, freeB] = [a.filter((one) => !partners.has(one)), b.filter((one) => !taken.has(one))]
    for (const one of freeA) {
      const [only, ...more] = freeB.filter((other) => fits(one, other))
      if (only === undefined || more.length > 0) continue
      if (freeA.every((other) => other === one || !fits(other, only))) partners.set(one, only)
    }
  }
  const taken = new Set(partners.values())
  const candidatesOf = (one: Named, others: readonly Named[]): Unpaired => ({
    file: one.file,
    candidates: others.filter((other) => passes.some((fits) => fits(one, other))).map(({ file }) => file),
  })
  return {
    pairs: a.flatMap((one) => {
      const partner = partners.get(one)
      return partner ? [{ first: one.file, second: partner.file, name: partner.stem }] : []
    }),
    unpaired: {
      first: a.filter((one) => !partners.has(one)).map((one) => candidatesOf(one, b)),
      second: b.filter((one) => !taken.has(one)).map((one) => candidatesOf(one, a)),
    },
  }
}

/** `out/b.nii.gz; out/c.nii.gz (fits x.nii.gz and y.nii.gz)` */
export function describeUnpaired(unpaired: readonly Unpaired[]): string {
  return unpaired
    .map(({ file, candidates }) =>
      candidates.length === 0 ? file : `${file} (fits ${candidates.join(', ')})`,
    )
    .join('; ')
}

const sameStem = (a: Named, b: Named): boolean => a.stem === b.stem

/** Entities that tell results of one scan apart, not scans. */
const ofResults = ['space', 'atlas', 'seg', 'scale', 'res', 'den', 'label', 'prov', 'desc']

/** Whether two names are of the same session, and disagree in nothing else that tells scans apart. */
function sameScan(a: Named, b: Named): boolean {
  const [x, y] = [a.entities, b.entities]
  if (!sameSession(a, b)) return false
  return [...x].every(([key, value]) => ofResults.includes(key) || !y.has(key) || y.get(key) === value)
}

function sameSession({ entities: x }: Named, { entities: y }: Named): boolean {
  return x.has('sub') && x.get('sub') === y.get('sub') && x.get('ses') === y.get('ses')
}

function entitiesOf(stem: string): Map<string, string> {
  const pieces = stem.split('_').map((piece) => piece.split(/-(.*)/, 2) as [string, string | undefined])
  return new Map(
    pieces.flatMap(([key, value]) =>
      value !== undefined && entityOrder.includes(key) ? [[key, value] as const] : [],
    ),
  )
}
