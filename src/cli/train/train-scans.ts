import { join } from 'node:path'
import { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { stepsOfEpoch, type TrainingScan } from '../../sae/training/batches.js'
import { channelsOf, loadTensors } from '../../sae/model.js'
import type { Prior } from '../../sae/prior/prior.js'
import { recipes } from '../../sae/recipes.js'
import { Trainer, type TrainingProgress } from '../../sae/training/trainer.js'
import { Validator } from '../../sae/training/validator.js'
import { voxelsOf } from '../../sae/shape.js'
import { assessRun } from '../assess/assess-run.js'
import { channelFiles } from '../inputs/channel-files.js'
import { Checkpoints, leastSteps } from './checkpoints.js'
import { tableFor } from '../inputs/classes.js'
import { CsvLog, requireColumns } from '../tables/csv-log.js'
import { describePreparation, peakMemory } from '../device.js'
import { explained } from './explained.js'
import { examplesBeside, RunExamples } from '../examples/run-examples.js'
import { fitDecoder } from './fit-decoder.js'
import { fitMixturesFor } from './fit-mixtures.js'
import { readTrainingScans, requireLabelsOfEach } from '../inputs/inputs.js'
import { requireHeldOut, validated, type ValidatedStep } from './validation.js'
import { follow, logColumns } from './learning.js'
import { matchRun } from '../grids/match-run.js'
import { Outputs } from '../outputs/output-files.js'
import { isInFolder } from '../outputs/output-folder.js'
import { networkPrior, readPrior, tableBeside, toPrior } from '../prior/prior-file.js'
import { profileOnce, requireTimestamps } from '../profile.js'
import { Progress } from '../progress.js'
import { trainingRecording } from './recordings.js'
import { surviving } from './recovery.js'
import { formatInputs, identifyInputs, requireSameInputs } from '../run/run-inputs.js'
import type { Terminal } from '../terminal.js'
import { trainedGridMetadata } from '../grids/trained-grid.js'
import { loadStart, readStart, type Start, type TrainOptions } from './training-start.js'

/** Trains on scans. @throws UserError if an input is wrong or an output is in the way */
export async function train(
  paths: readonly string[],
  options: TrainOptions,
  terminal: Terminal,
): Promise<void> {
  const { output, labels, every, classes, matchByIndex, resample = false, validate = [] } = options
  requireLabelsOfEach(paths, labels)
  requireHeldOut(validate, paths)
  const outputs = outputsOf(paths, options)
  await outputs.requireFree()
  const files = { prior: options.prior, scans: [...paths, ...validate], labels, volume: options.volume }
  const grids = await matchRun(files, every, { matchByIndex, resample }, terminal)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  const start = await readStart(options, paths, channels, terminal)
  const { model, settings, progress: resumed } = start
  const how = { matchByIndex, resample, volume: options.volume }
  const identities = await identifyInputs(paths, options.prior, every, how)
  if (resumed) {
    const { metadata, source } = start.weights!
    requireSameInputs(metadata.inputs, identities, paths, options.prior, source, terminal)
  }
  const table = await tableFor(
    channels,
    options.prior,
    classes,
    [priorFile.table, start.weights?.table],
    terminal,
  )
  const intensities = start.weights?.info.intensities ?? recipes[options.recipe].intensities
  const inputs = await readTrainingScans(paths, labels, priorFile, table, grids, intensities, terminal)
  const { scans } = inputs
  const ofHeld = { ...grids, channels: grids.channels.slice(paths.length) }
  const held = options.validate
    ? await readTrainingScans(validate, undefined, priorFile, table, ofHeld, intensities, terminal)
    : undefined
  const prior = networkPrior(inputs.prior, model.architecture)
  const recording = trainingRecording(labels ? table : undefined, {
    validates: held !== undefined,
    channels: channelsOf(model.architecture),
  })
  const columns = logColumns(recording)
  const logPath = join(output, logName)
  if (resumed) await requireColumns(logPath, columns)

  const { memoryLimit } = options
  let learnable: readonly TrainingScan[] | undefined
  let heldOut: readonly TrainingScan[] | undefined
  let examples: RunExamples | undefined
  await surviving<TrainingProgress>('training', options, terminal, async (gpu, lifeline) => {
    const { state } = lifeline
    if (options.profile) requireTimestamps(gpu)
    const variables = new Variables(gpu)
    loadStart(start, variables)
    const withFits = (scans: readonly TrainingScan[]) =>
      fitMixturesFor(gpu, start, scans, toPrior(inputs.prior), table, memoryLimit, terminal)
    const ready = (learnable ??= await withFits(scans))
    if (held) heldOut ??= await withFits(held.scans)
    const progress =
      state?.progress ??
      resumed ??
      (await startingProgress(gpu, start, variables, prior, scans, options, terminal))
    if (!progress) return
    const begin = (on: Variables, from: TrainingProgress): Trainer =>
      new Trainer(gpu, model, on, prior, settings, from, { memoryLimit })
    const trainer = begin(variables, progress)
    const preparation = await trainer.prepare(ready)
    terminal.note(describePreparation(preparation, memoryLimit))
    const validator =
      heldOut &&
      (await Validator.create(gpu, model, variables, prior, settings, heldOut, {
        memoryLimit: memoryLimit && memoryLimit - preparation.bytes,
      }))
    const learnt = [...model.parameters, ...trainer.optimiser.state]
    if (state) loadTensors(variables, learnt, state.tensors, 'the last state')
    else loadStart(start, variables, trainer.optimiser)
    await outputs.claim()
    await outputs.clear()
    const stepsPerEpoch = stepsOfEpoch(scans.length, settings.batchSize)
    const voxels = voxelsOf(prior.shape)
    const { saveEvery, patience } = options
    const saved = state?.metadata ?? (resumed && start.weights?.metadata)
    const selection = { patience, validates: validator !== undefined }
    const goesOn = state?.progress ?? resumed
    const log = goesOn
      ? await CsvLog.resume(logPath, columns, goesOn.step)
      : await CsvLog.create(logPath, columns)
    const grid = trainedGridMetadata(grids.resampled ?? grids.scanGrids[0]!, every)
    const learntFrom = { inputs: formatInputs(identities), ...grid }
    const planned = options.patience === undefined ? settings.epochs : 1
    const learning = { scans: ready, settings, planned, table, grid: inputs.prior.grid, grids }
    examples?.goOnFrom(goesOn?.step ?? 0)
    const kept = (examples ??= await RunExamples.open(examplesBeside(logPath), learning, goesOn?.step))
    const run = { trainer, model, variables, table, intensities, voxels, learntFrom, log, examples: kept }
    const checkpoints = await Checkpoints.open(output, run, stepsPerEpoch, saveEvery, selection, saved)
    const keep = (always = false) =>
      lifeline.keep(variables, learnt, trainer.progress, checkpoints.metadata, always)
    await keep(true)
    const profile = options.profile ? profileOnce(trainer, terminal) : undefined
    let last: ValidatedStep | undefined
    const learn = async (): Promise<number | undefined> => {
      const exitCode = await follow(
        (run) => {
          const steps = trainer.train(ready, { ...run, watch: kept.watch })
          return validated(steps, validator, Math.ceil(leastSteps / stepsPerEpoch))
        },
        recording,
        log,
        new Progress(terminal, settings.epochs, stepsPerEpoch, goesOn?.step),
        async (step) => {
          await profile?.(step)
          const done = await checkpoints.afterStep((last = step))
          if (step.lastOfEpoch) await keep()
          return done
        },
      )
      await checkpoints.saveLast()
      return exitCode
    }
    const exitCode = await explained(learn, { gpu, begin, wanted: model.parameters, scans: ready }, lifeline)
    trainer.dispose()
    validator?.dispose()
    if (exitCode === undefined) {
      terminal.status(`Best: ${checkpoints.best}; last: ${checkpoints.last}; every step: ${log.path}`)
    } else {
      terminal.status(`Interrupted; continue with --resume ${checkpoints.last}`)
      process.exitCode = exitCode
    }
    terminal.status(peakMemory(gpu))
    const finished = {
      command: 'train',
      gpu,
      model,
      variables,
      scans,
      prior: inputs.prior,
      table,
      options,
      settings,
    } as const
    const ending = { kept, weights: checkpoints.best }
    const outcome = {
      weights: checkpoints.best,
      examples: ending,
      figures: { lastStep: last },
      interrupted: exitCode,
    }
    await assessRun({ ...finished, ...outcome }, terminal)
  })
}

const logName = 'train.csv'

function outputsOf(
  scans: readonly string[],
  { output, overwrite, prior, labels = [], validate = [], classes, init, resume }: TrainOptions,
): Outputs {
  const files = ['last.safetensors', 'best.safetensors', logName, examplesBeside(logName)].map((name) =>
    join(output, name),
  )
  const inputs = [
    ...[...scans, ...validate].flatMap(channelFiles),
    ...labels,
    prior,
    tableBeside(prior),
    classes,
    init,
  ]
  // A run that goes on in its own folder replaces what it wrote there.
  const goesOn = resume !== undefined && isInFolder(resume, output)
  return Outputs.inFolder(output, { files, inputs: goesOn ? inputs : [...inputs, resume], overwrite, goesOn })
}

/**
 * The progress at the start of a run; fits the decoder first if it is new. Undefined if the user stopped that: there is
 * nothing to save yet.
 */
async function startingProgress(
  gpu: Gpu,
  start: Start,
  variables: Variables,
  prior: Prior,
  scans: readonly TrainingScan[],
  { memoryLimit }: TrainOptions,
  terminal: Terminal,
): Promise<TrainingProgress | undefined> {
  const beginning = { epoch: 0, step: 0, variance: 1e8, errors: [] }
  const isNew = !start.weights?.tensors.has('decoder.weight')
  if (!isNew || !start.settings.decoderSteps) return beginning
  const { noise, exitCode } = await fitDecoder(gpu, start, variables, prior, scans, memoryLimit, terminal)
  if (exitCode === undefined) return { ...beginning, ...noise }
  terminal.status('Interrupted before the first step of training: nothing was written')
  process.exitCode = exitCode
  return undefined
}
