import { meanOfKnown } from '../../sae/mean.js'
import { meanDice } from '../../sae/metrics/dice.js'
import { foregroundClasses, type LabelTable } from '../../sae/labels/label-table.js'
import type { RunOptions } from '../../sae/training/pipelined-steps.js'
import type { CsvLog } from '../tables/csv-log.js'
import { Interrupt } from '../run/interrupt.js'
import type { Progress } from '../progress.js'

/** What steps of pretraining and training have in common. */
interface Step {
  readonly epoch: number
  readonly step: number
  readonly lastOfEpoch: boolean
  readonly seconds: number
  readonly dice: readonly (number | undefined)[] | undefined
}

/** How a run is recorded: numbers of each step by column, and which of them the progress shows. */
export interface Recording<S extends Step> {
  readonly columns: Readonly<Record<string, (step: S) => number | undefined>>
  readonly shown: readonly string[]
  /** The table for the Dice columns, if scans are scored. */
  readonly dice: LabelTable | undefined
}

/** The header of a run's log. */
export function logColumns<S extends Step>({ columns, dice }: Recording<S>): string[] {
  const scores = dice
    ? [
        'mean_dice',
        ...foregroundClasses(dice).map((c) => `dice_${dice.classes[c]!.abbreviation.replace(/\W+/g, '_')}`),
      ]
    : []
  return ['epoch', 'step', ...Object.keys(columns), 'seconds', ...scores]
}

/**
 * Follows a run to its end or until a signal: logs one row per step, shows the progress and calls `afterStep`. That may
 * save weights at the end of an epoch only: at other steps, the device is already one step ahead. If it returns true, the
 * run ends.
 *
 * @param run starts the run
 * @returns the exit code if a signal came; undefined if the run reached its end
 */
export async function follow<S extends Step>(
  run: (options: RunOptions) => AsyncIterable<S>,
  recording: Recording<S>,
  log: CsvLog,
  progress: Progress,
  afterStep: (step: S) => Promise<boolean> = () => Promise.resolve(false),
): Promise<number | undefined> {
  const names = logColumns(recording)
  const interrupt = new Interrupt()
  let rows: (number | undefined)[][] = []
  try {
    for await (const step of run({ ahead: true, signal: interrupt.signal })) {
      const row = toRow(step, recording)
      log.append(row)
      rows.push(row)
      const shown = recording.shown.map((name) => {
        const at = names.indexOf(name)
        return [name, meanOfKnown(rows.map((values) => values[at]))] as const
      })
      progress.update(step.epoch, step.lastOfEpoch, Object.fromEntries(shown))
      if (step.lastOfEpoch) rows = []
      if (await afterStep(step)) break
    }
  } finally {
    progress.stop()
    interrupt.release()
  }
  return interrupt.exitCode
}

function toRow<S extends Step>(step: S, { columns, dice }: Recording<S>): (number | undefined)[] {
  const values = Object.values(columns).map((value) => value(step))
  const row = [step.epoch, step.step, ...values, Number(step.seconds.toFixed(3))]
  if (!dice || !step.dice) return row
  const scored = foregroundClasses(dice)
  const average = meanDice(step.dice, scored)
  return [...row, Number.isNaN(average) ? undefined : average, ...scored.map((c) => step.dice![c])]
}
