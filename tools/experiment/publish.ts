import { join } from 'node:path'
import { table } from '../../bench/harness.js'
import { dots } from '../../bench/plot.js'
import { UserError } from '../../src/errors.js'
import { writeFileAtomic } from '../../src/io/files.js'
import { renderDots, renderLogs } from './plots.js'
import { dice, renderReport } from './report.js'
import { readResults, type Results } from './results.js'
import { select } from './selection.js'
import { compare, summarise } from './summary.js'
import type { SelectionStudy, Study } from './study.js'

/** Writes NAME.md, NAME.svg and, if runs were scored during training, NAME-curves.svg. @returns the report */
export async function publishStudy(study: Study, results: Results, folder: string): Promise<string> {
  const name = results.study
  const summaries = summarise(results, study.pool ?? false)
  const pictures = new Map([[`${name}.svg`, renderDots(study.title, summaries)]])
  const curves = renderLogs(study.title, results)
  if (curves) pictures.set(`${name}-curves.svg`, curves)
  const comparisons = compare(summaries, study.pairs)
  const report = renderReport(study, results, summaries, comparisons, [...pictures.keys()])
  for (const [file, picture] of pictures) await writeText(join(folder, file), picture)
  await writeText(join(folder, `${name}.md`), report)
  return report
}

/** Compares criteria on the logs of another study; writes NAME.json, NAME.md and NAME.svg. @returns the report */
export async function publishSelection(
  name: string,
  { title, question, selectionFrom }: SelectionStudy,
  folder: string,
): Promise<string> {
  const path = join(folder, `${selectionFrom}.json`)
  const results = readResults(path)
  if (!results) throw new UserError(`${path}: no such file; run npm run experiment -- ${selectionFrom} first`)
  const picked = select(results)
  if (picked.length === 0)
    throw new UserError(`${path}: none of its runs was scored during training; give a method "score"`)
  const rows = picked.map(({ method, criterion, runs, ...scores }) => ({
    method,
    criterion,
    runs,
    Dice: dice(scores.dice),
    'mean regret': scores.regret.toFixed(4),
    'largest regret': scores.worstRegret.toFixed(4),
  }))
  const bars = picked.map(({ method, criterion, regret, worstRegret }) => ({
    name: `${method}: ${criterion}`,
    values: [worstRegret],
    mean: regret,
  }))
  const notes = `From the logs of [${selectionFrom}](${selectionFrom}.md). Regret is the Dice of a run's best epoch less that of the epoch picked. Printed by \`npm run experiment -- ${name}\`.`
  const picture = dots(title, 'regret in Dice: mean (stroke) and largest (dot)', bars)
  const report = [
    `# ${title}`,
    '',
    question,
    '',
    notes,
    '',
    table(rows),
    '',
    `![${title}](${name}.svg)`,
    '',
  ].join('\n')
  await writeText(
    join(folder, `${name}.json`),
    `${JSON.stringify({ selectionFrom, picked }, undefined, 1)}\n`,
  )
  await writeText(join(folder, `${name}.svg`), picture)
  await writeText(join(folder, `${name}.md`), report)
  return report
}

async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, new TextEncoder().encode(text))
}
