import type { LogEntry } from './learn.js'
import type { Cell, Results } from './results.js'
import { mean } from './statistics.js'

/** A criterion without the truth; it picks the epoch with the lowest value. */
interface Criterion {
  readonly name: string
  readonly value: (entry: LogEntry, voxels: number) => number
}

const criteria: readonly Criterion[] = [
  { name: 'last epoch', value: ({ epoch }) => -epoch },
  { name: 'lowest loss as trained', value: ({ losses }) => losses!.loss },
  {
    name: 'lowest N/2 log(mse) + KL + MRF',
    value: ({ losses }, voxels) =>
      (voxels / 2) * Math.log(losses!.meanSquaredError) + losses!.kl + losses!.mrf,
  },
  { name: 'lowest mse', value: ({ losses }) => losses!.meanSquaredError },
  { name: 'best agreement with EM', value: ({ agreement }) => -agreement! },
]

/** How well a criterion picks. */
interface Picked {
  readonly criterion: string
  readonly method: string
  readonly runs: number
  /** Mean Dice of the picked epochs. */
  readonly dice: number
  /** By how much the best epoch of the run is better, on average; `worstRegret` is the maximum. */
  readonly regret: number
  readonly worstRegret: number
}

/** The epochs of a run that a criterion may pick. */
function epochsOf({ log = [] }: Cell): LogEntry[] {
  return log.filter(({ losses }) => losses)
}

/** The picks of every criterion, by method. Runs without a log are left out. */
export function select({ cells, voxels }: Results): Picked[] {
  const logged = cells.filter((cell) => epochsOf(cell).length > 0)
  const methods = [...new Set(logged.map(({ method }) => method))]
  return methods.flatMap((method) =>
    criteria.map(({ name, value }) => {
      const runs = logged.filter((cell) => cell.method === method)
      const picks = runs.map((cell) => {
        const entries = epochsOf(cell)
        const of = (entry: LogEntry): number => value(entry, voxels[cell.cohort]!)
        const { dice } = entries.reduce((a, b) => (of(b) < of(a) ? b : a))
        return { dice, regret: Math.max(...entries.map((entry) => entry.dice)) - dice }
      })
      return {
        criterion: name,
        method,
        runs: runs.length,
        dice: mean(picks.map(({ dice }) => dice)),
        regret: mean(picks.map(({ regret }) => regret)),
        worstRegret: Math.max(...picks.map(({ regret }) => regret)),
      }
    }),
  )
}
