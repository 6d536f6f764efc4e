import { meanDice } from '../../src/sae/metrics/dice.js'
import type { Cell, Results } from './results.js'
import { deviation, groupBy, mean, signedRankP } from './statistics.js'
import type { Study } from './study.js'

/** The results of one method with one prior. */
export interface Summary {
  /** Cohorts that are summarised together. */
  readonly group: string
  /** Undefined for a method that uses none. */
  readonly prior: string | undefined
  readonly method: string
  /** Mean Dice over subjects, seeds and foreground classes. */
  readonly mean: number
  /** Sample standard deviation over subjects, each averaged over seeds; NaN for one subject. */
  readonly overSubjects: number
  /** Sample standard deviation over seeds, each averaged over subjects; NaN for one seed. */
  readonly overSeeds: number
  /** By class, background included: mean over subjects and seeds. */
  readonly classes: readonly number[]
  /** Mean over seeds of the time of all subjects together. */
  readonly seconds: number
  /** Dice by subject, averaged over seeds. */
  readonly subjects: ReadonlyMap<string, number>
}

/** Two methods, subject by subject. */
export interface Comparison {
  readonly group: string
  readonly a: string
  readonly b: string
  readonly subjects: number
  /** Mean of a - b. */
  readonly difference: number
  /** Subjects on which a is better. */
  readonly better: number
  /** Two-sided, of the Wilcoxon signed-rank test; NaN for fewer than 6 subjects. */
  readonly p: number
}

/** Summaries of the cells that did not fail, by cohort, prior and method; methods that use no prior come last. */
export function summarise(results: Results, pool: boolean): Summary[] {
  const groupOf = ({ cohort }: Cell): string => (pool ? 'all cohorts' : cohort)
  const succeeded = results.cells.filter(({ failure }) => failure === undefined)
  const groups = groupBy(succeeded, (cell) => [groupOf(cell), cell.prior, cell.method].join('\t'))
  const summaries = [...groups.values()].map((cells) => {
    const { prior, method } = cells[0]!
    return { group: groupOf(cells[0]!), prior, method, ...summariseCells(cells, results.foreground) }
  })
  const isLast = ({ prior }: Summary): number => (prior === undefined ? 1 : 0)
  return summaries.sort((a, b) => isLast(a) - isLast(b))
}

function summariseCells(
  cells: readonly Cell[],
  foreground: readonly number[],
): Omit<Summary, 'group' | 'prior' | 'method'> {
  const scores = cells.flatMap(({ cohort, seed, subjects }) =>
    subjects.map(({ name, dice }) => ({ subject: `${cohort}/${name}`, seed, dice })),
  )
  const of = ({ dice }: (typeof scores)[number]): number => meanDice(dice, foreground)
  const bySubject = groupBy(scores, ({ subject }) => subject)
  const bySeed = groupBy(scores, ({ seed }) => String(seed))
  const subjects = new Map([...bySubject].map(([name, own]) => [name, mean(own.map(of))]))
  const seeds = [...bySeed.values()].map((own) => mean(own.map(of)))
  return {
    mean: mean([...subjects.values()]),
    overSubjects: deviation([...subjects.values()]),
    overSeeds: deviation(seeds),
    classes: scores[0]!.dice.map((_, c) => mean(scores.map(({ dice }) => dice[c]!))),
    seconds: cells.reduce((sum, { seconds }) => sum + seconds, 0) / bySeed.size,
    subjects,
  }
}

/** The pairs of a study: METHOD with every prior, or METHOD@PRIOR. */
export function compare(summaries: readonly Summary[], pairs: Study['pairs'] = []): Comparison[] {
  const groups = [...new Set(summaries.map(({ group }) => group))]
  return groups.flatMap((group) => {
    const own = summaries.filter((summary) => summary.group === group)
    const priors = [...new Set(own.flatMap(({ prior }) => prior ?? []))]
    return pairs.flatMap(([a, b]) =>
      (a.includes('@') && b.includes('@') ? [''] : priors).flatMap((prior) => {
        const [first, second] = [a, b].map((side) => find(own, side, prior))
        return first && second ? [compareTwo(group, first, second)] : []
      }),
    )
  })
}

function find(summaries: readonly Summary[], side: string, elsePrior: string): Summary | undefined {
  const [method, prior = elsePrior] = side.split('@')
  return summaries.find((own) => own.method === method && (own.prior === undefined || own.prior === prior))
}

/** `sae@atlas`, or `supervised` */
export function nameOf({
  method,
  prior,
}: {
  readonly method: string
  readonly prior?: string | undefined
}): string {
  return prior === undefined ? method : `${method}@${prior}`
}

function compareTwo(group: string, a: Summary, b: Summary): Comparison {
  const names = [...a.subjects.keys()].filter((name) => b.subjects.has(name))
  const [x, y] = [names.map((name) => a.subjects.get(name)!), names.map((name) => b.subjects.get(name)!)]
  const differences = x.map((value, i) => value - y[i]!)
  return {
    group,
    a: nameOf(a),
    b: nameOf(b),
    subjects: names.length,
    difference: mean(differences),
    better: differences.filter((difference) => difference > 0).length,
    p: signedRankP(x, y),
  }
}
