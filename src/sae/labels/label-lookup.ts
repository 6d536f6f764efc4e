import { UserError } from '../../errors.js'
import type { LabelClass, LabelTable } from './label-table.js'

/** A line of a look-up table of other programs: a label value and its name. */
export interface LookupEntry {
  readonly code: number
  readonly name: string
  readonly abbreviation?: string
}

/** A class for each entry, the background first: the one of value 0, added if there is none. */
export function fromLookup(entries: readonly LookupEntry[]): LabelTable {
  const classes = entries.map(({ code, name, abbreviation }): LabelClass => {
    return {
      name,
      abbreviation: abbreviation === undefined || abbreviation === '' ? name : abbreviation,
      codes: [code],
    }
  })
  const at = classes.findIndex(({ codes }) => codes[0] === 0)
  const background =
    at === -1 ? { name: 'background', abbreviation: 'bg', codes: [0] } : classes.splice(at, 1)[0]!
  return { classes: [background, ...classes] }
}

/** A table's line is shorter; to try the patterns below on a longer one takes time that grows with its square. */
const longestLine = 300

/**
 * Reads the look-up tables of FreeSurfer (`FreeSurferColorLUT.txt`: value, name, red, green, blue, transparency) and of
 * FSL (`.lut`: value, red, green, blue, name). Lines that begin with # are comments.
 *
 * @returns undefined if a line is neither
 */
export function parseColourLut(content: string): LabelTable | undefined {
  const lines = content.split(/\r?\n/).filter((line) => !/^\s*(#|$)/.test(line))
  const entries = lines.map((line): LookupEntry | undefined => {
    if (line.length > longestLine) return undefined
    const freeSurfer = /^\s*(\d+)\s+(\S.*?)(?:\s+\d+){4}\s*$/.exec(line)
    if (freeSurfer) return { code: Number(freeSurfer[1]), name: freeSurfer[2]! }
    const fsl = /^\s*(\d+)(?:\s+\d*\.?\d+(?:e-?\d+)?){3}\s+(\S.*?)\s*$/i.exec(line)
    return fsl ? { code: Number(fsl[1]), name: fsl[2]! } : undefined
  })
  const known = entries.filter((entry) => entry !== undefined)
  return known.length === 0 || known.length < lines.length ? undefined : fromLookup(known)
}

/**
 * Reads an atlas description of FSL (`<label index="0" ...>Name</label>`). Maps of a probabilistic atlas hold
 * index + 1, as FSL's own do; those of a label atlas the index.
 *
 * @throws UserError if it names no label
 */
export function parseFslXml(content: string, source: string): LabelTable {
  const offset = /<type>\s*label\s*<\/type>/i.test(content) ? 0 : 1
  const entries = Array.from(
    content.matchAll(/<label\b[^<>]{0,500}?\bindex\s{0,9}=\s{0,9}"(\d+)"[^<>]{0,500}>([^<]*)<\/label>/gi),
    ([, index, name]): LookupEntry => ({ code: Number(index) + offset, name: unescape(name!.trim()) }),
  )
  if (entries.length === 0) {
    throw new UserError(`${source}: names no label; lines such as <label index="0">Thalamus</label> are read`)
  }
  return fromLookup(entries)
}

function unescape(text: string): string {
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name]!)
}
