import { formatDsegTable, parseDsegTable } from '../../src/cli/tables/dseg-table.js'
import { parseIntensities } from '../../src/cli/synth/intensity-file.js'
import { parseLabelTable } from '../../src/sae/labels/label-table-file.js'
import { freeSurferTable } from '../../src/sae/labels/freesurfer-table.js'
import { toCodes } from '../../src/sae/labels/label-codes.js'
import type { Formats } from './format.js'
import { awkwardNumbers, awkwardTexts, mutateBytes, mutateJson } from './mutate.js'

/** Tables of labels and of intensities. */
export const tables: Formats = {
  json: {
    make: (draw) => {
      const value = mutateJson(draw.pick([freeSurferTable, intensities]), draw, 0.02)
      const bytes = Buffer.from(JSON.stringify(value))
      return draw.chance(0.3) ? mutateBytes(bytes, draw) : Uint8Array.from(bytes)
    },
    read: readTable('a.json'),
  },
  tsv: {
    make: (draw) => {
      const table = formatDsegTable(freeSurferTable, draw.pick(['codes', 'classes'] as const))
      const cells = table.split('\n').map((line) => line.split('\t'))
      for (let changes = draw.whole(5); changes > 0; changes--) {
        const row = draw.pick(cells)
        const cell = draw.pick<() => string>([
          () => draw.pick(awkwardTexts),
          () => String(draw.pick(awkwardNumbers)),
        ])()
        row.splice(draw.whole(row.length), draw.whole(3), ...(draw.chance(0.8) ? [cell] : []))
      }
      const bytes = Buffer.from(cells.map((row) => row.join('\t')).join('\n'))
      return draw.chance(0.4) ? mutateBytes(bytes, draw) : Uint8Array.from(bytes)
    },
    read: readTable('a.tsv'),
  },
}

const intensities = {
  classes: [
    { codes: [0], components: [{ weight: 1, mean: 0.1, deviation: 0.02 }] },
    {
      codes: [3, 42],
      components: [
        { weight: 0.5, mean: 0.25, deviation: 0.03 },
        { weight: 1, mean: 0.3, deviation: 0 },
      ],
    },
  ],
}

function readTable(source: string): (bytes: Uint8Array) => void {
  return (bytes) => {
    const content = new TextDecoder().decode(bytes)
    if (content.includes('components')) {
      parseIntensities(content, source)
      return
    }
    const table = source.endsWith('.tsv') ? parseDsegTable(content, source)?.table : undefined
    const { classes } = table ?? parseLabelTable(content, source)
    // Codes survive being written.
    const codes = toCodes(
      Uint8Array.from(classes, (_, c) => c),
      { classes },
    )
    if (classes.some((entry, c) => entry.codes[0] !== codes[c])) throw new Error('a code that changes')
  }
}
