import { parseColourLut, parseFslXml } from './label-lookup.js'
import { parseTsv } from './label-table-tsv.js'
import { parseJsonTable } from './label-table-json.js'
import { checkLabelTable, type LabelTable } from './label-table.js'

/**
 * Reads a label table; the content decides which form it has (docs/labels.md):
 *
 * - JSON: `{ "classes": [{ "name": "cortex", "abbreviation": "ctx", "codes": [3, 42, "1000-1035"] }, ...], "rest": 13 }`;
 *   the abbreviation may be left out, so may rest. `"sides": [3, 42]` says which codes are left and right.
 * - TSV with a header line: columns `index`, `name`, `codes` (separated by commas or spaces) and perhaps `abbreviation`.
 *   A `*` among the codes marks the class that takes every label listed nowhere.
 * - TSV as BIDS has it (`_dseg.tsv`): columns `index`, the label value, and `name`; perhaps `abbreviation`.
 * - FreeSurfer's and FSL's colour tables and FSL's XML. Of these and of BIDS, each label becomes a class.
 *
 * @param source file name for the messages
 * @throws UserError
 */
export function parseLabelTable(text: string, source = 'label table'): LabelTable {
  const content = text.replace(/^\uFEFF/, '').trim()
  return /^[{[]/.test(content)
    ? parseJsonTable(content, source)
    : checkLabelTable(parseLookUp(content, source), source)
}

function parseLookUp(content: string, source: string): LabelTable {
  if (content.startsWith('<')) return parseFslXml(content, source)
  return parseColourLut(content) ?? parseTsv(content, source).table
}
