import type { LabelTable } from '../labels/label-table.js'
import type { Figures } from './figures.js'
import { emptyScan, rules, type Grade } from './rules.js'

/** A judgement and what it rests on. */
export interface Verdict {
  /** The worst of what was found. */
  readonly grade: Grade
  /** What is wrong, one clause each, worst first; empty for a sound segmentation. */
  readonly reasons: readonly string[]
  /** What to try, one clause each. */
  readonly advice: readonly string[]
}

/**
 * Judges figures by thresholds that separate good segmentations of real scans from artificial failures;
 * docs/assessment.md has the table.
 */
export function judge(figures: Figures, table: LabelTable): Verdict {
  const empty = emptyScan(figures, table)
  const findings = empty
    ? [empty]
    : rules.map((rule) => rule(figures, table)).filter((finding) => finding !== undefined)
  const collapsed = findings.filter(({ grade }) => grade === 'collapsed')
  const ordered = [...collapsed, ...findings.filter(({ grade }) => grade === 'doubtful')]
  return {
    grade: collapsed.length > 0 ? 'collapsed' : ordered.length > 0 ? 'doubtful' : 'sound',
    reasons: ordered.map(({ reason }) => reason),
    advice: [...new Set(ordered.flatMap(({ advice }) => advice))],
  }
}
