import type { LabelTable } from '../../sae/labels/label-table.js'
import type { NamedAssessment } from '../assess/assessment-table.js'

/** An assessment as `run.json` stores it: all figures of a class in one place. */
export function assessmentFigures({ scan, assessment }: NamedAssessment, table: LabelTable) {
  const { volumes, withPrior, withEm, withTruth, priorWithTruth, emWithTruth, verdict, ...rest } = assessment
  const overlaps = {
    diceWithPrior: withPrior,
    diceWithEm: withEm,
    diceWithLabels: withTruth,
    priorWithLabels: priorWithTruth,
    emWithLabels: emWithTruth,
  }
  const known = Object.entries(overlaps).flatMap(([name, overlap]) =>
    overlap ? [[name, overlap] as const] : [],
  )
  return {
    scan,
    verdict,
    means: Object.fromEntries(known.map(([name, { mean }]) => [name, mean])),
    classes: table.classes.map(({ name, codes }, c) => ({
      name,
      codes,
      ...volumes[c]!,
      ...Object.fromEntries(known.map(([key, { perClass }]) => [key, perClass[c]])),
    })),
    ...rest,
  }
}
