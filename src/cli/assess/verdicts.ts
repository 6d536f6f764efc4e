import type { Grade } from '../../sae/assessment/rules.js'
import type { NamedAssessment } from './assessment-table.js'
import type { Terminal } from '../terminal.js'

/** Prints how many segmentations are sound, and one warning for each kind that is not, with the reasons of the first. */
export function sayVerdicts(all: readonly NamedAssessment[], terminal: Terminal): void {
  const of = (grade: Grade) => all.filter(({ assessment }) => assessment.verdict.grade === grade)
  const sound = of('sound').length
  if (all.length > 1) terminal.status(`verdict: ${sound} of ${all.length} segmentations are sound`)
  else if (sound === 1) terminal.status('verdict: sound')
  for (const grade of ['collapsed', 'doubtful'] as const) {
    const [first, ...others] = of(grade)
    if (!first) continue
    const { reasons, advice } = first.assessment.verdict
    const which =
      others.length === 0
        ? `the segmentation of ${first.scan} ${verb[grade].one}`
        : `${others.length + 1} of ${all.length} segmentations ${verb[grade].several}, for example that of ${first.scan}`
    const more = reasons.length > shownReasons ? `; ${reasons.length - shownReasons} more in run.json` : ''
    terminal.warn(`${which}: ${reasons.slice(0, shownReasons).join('; ')}${more}. Try: ${advice.join('; ')}.`)
  }
}

/** More would make the line too long to read. */
const shownReasons = 3

const verb = {
  collapsed: { one: 'has collapsed', several: 'have collapsed' },
  doubtful: { one: 'is doubtful', several: 'are doubtful' },
} as const
