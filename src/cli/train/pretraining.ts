import type { Gpu } from '../../gpu/gpu.js'
import { Variables } from '../../plan/variables.js'
import { stepsOfEpoch, type TrainingScan } from '../../sae/training/batches.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { Watch } from '../../sae/training/learner.js'
import { loadTensors, type Model } from '../../sae/model.js'
import { Pretrainer, type PretrainingProgress, type PretrainingStep } from '../../sae/training/pretrainer.js'
import type { Prior } from '../../sae/prior/prior.js'
import type { PretrainingSettings } from '../../sae/settings.js'
import { describePreparation } from '../device.js'
import { explained } from './explained.js'
import { follow, logColumns } from './learning.js'
import type { LearningOptions } from '../options.js'
import type { Outputs } from '../outputs/output-files.js'
import { profileOnce } from '../profile.js'
import { Progress } from '../progress.js'
import { pretrainingRecording } from './recordings.js'
import type { Lifeline } from './recovery.js'
import { CsvLog } from '../tables/csv-log.js'
import type { Terminal } from '../terminal.js'

/** What pretraining learns, and where it writes. */
interface Pretraining {
  readonly outputs: Outputs
  readonly model: Model
  readonly variables: Variables
  readonly prior: Prior
  readonly settings: PretrainingSettings
  readonly table: LabelTable
  /** Sees how one scan is segmented. */
  readonly watch: Watch
  readonly logPath: string
}

/** Pretrains to the last epoch, or until a signal. @returns the exit code if that came, and the last step */
export async function learnFromScans(
  gpu: Gpu,
  { model, variables, prior, settings, table, outputs, watch, logPath }: Pretraining,
  scans: readonly TrainingScan[],
  options: LearningOptions,
  lifeline: Lifeline<PretrainingProgress>,
  terminal: Terminal,
): Promise<{ exitCode: number | undefined; last: PretrainingStep | undefined }> {
  const recording = pretrainingRecording(options.labels ? table : undefined)
  const { memoryLimit } = options
  const { state } = lifeline
  const wanted = model.encoder.parameters
  const begin = (on: Variables, from?: PretrainingProgress): Pretrainer =>
    new Pretrainer(gpu, model, on, prior, settings, from, { memoryLimit })
  const pretrainer = begin(variables, state?.progress)
  const learnt = [...wanted, ...pretrainer.optimiser.state]
  if (state) loadTensors(variables, learnt, state.tensors, 'the last state')
  terminal.note(describePreparation(await pretrainer.prepare(scans), memoryLimit))
  await outputs.claim()
  await outputs.clear()
  const columns = logColumns(recording)
  const log = state
    ? await CsvLog.resume(logPath, columns, state.progress.step)
    : await CsvLog.create(logPath, columns)
  const stepsPerEpoch = stepsOfEpoch(scans.length, settings.batchSize)
  const progress = new Progress(terminal, settings.epochs, stepsPerEpoch, state?.progress.step)
  const keep = (always: boolean) => lifeline.keep(variables, learnt, pretrainer.progress, {}, always)
  const profile = options.profile ? profileOnce(pretrainer, terminal) : undefined
  let last: PretrainingStep | undefined
  const note = async (step: PretrainingStep): Promise<boolean> => {
    last = step
    await profile?.(step)
    if (step.lastOfEpoch) await keep(step.epoch === settings.epochs)
    return false
  }
  try {
    await keep(true)
    const run = () =>
      follow((run) => pretrainer.train(scans, { ...run, watch }), recording, log, progress, note)
    const exitCode = await explained(run, { gpu, begin, wanted, scans }, lifeline)
    return { exitCode, last }
  } finally {
    pretrainer.dispose()
  }
}
