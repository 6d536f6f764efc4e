import { overlapOf } from '../../sae/assessment/overlap.js'
import { loadBatch } from '../../sae/training/batches.js'
import { splitChannels } from '../../sae/channels.js'
import type { EmOptions } from '../../sae/mixture/em-settings.js'
import { ExpectationMaximisation, type EmResult } from '../../sae/mixture/em.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { MrfPotential } from '../../sae/prior/mrf-table.js'
import { priorArgmax } from '../../sae/prior/prior.js'
import { Assessments } from '../assess/assessments.js'
import type { Layout, Naming } from '../cohort/bids-derivatives.js'
import { channelEndings, channelsOfScans } from '../inputs/channel-files.js'
import { tableFor } from '../inputs/classes.js'
import { describePreparation, withGpu } from '../device.js'
import { formatDiceTable } from '../tables/dice-table.js'
import { FailedScans } from '../cohort/failed-scans.js'
import { readLabels, readTrainingScans, requireLabelsOfEach, tryScan } from '../inputs/inputs.js'
import { matchRun } from '../grids/match-run.js'
import { type GlobalOptions } from '../options.js'
import { writeOutputVolume } from '../outputs/output-files.js'
import { inFormat, requireLabelsFit, type ResultFormat } from '../outputs/result-format.js'
import { readPrior, toPrior } from '../prior/prior-file.js'
import { Progress } from '../progress.js'
import { planSegmentations, segmentAll } from './segmentation-command.js'
import {
  type Job,
  type LabelsOut,
  type MadeSegmentation,
  SegmentationJobs,
  type SegmentationRun,
} from './segmentation-files.js'
import { resultPlace } from '../grids/result-place.js'
import type { Shard } from '../cohort/shard.js'
import { Terminal } from '../terminal.js'
import { writeSegmentation } from './write-segmentation.js'

export interface EmCommandOptions extends GlobalOptions {
  prior: string
  output: string
  components: number
  beta: number
  k: number
  potential: MrfPotential
  bias: number
  iterations: number
  every: number
  matchByIndex: boolean
  volume?: number
  resample?: boolean
  labels?: string[]
  posterior?: boolean
  labelsOut: LabelsOut
  classes?: string
  keepExisting?: boolean
  keepGoing?: boolean
  shard?: Shard
  layout?: Layout
  format?: ResultFormat
  report?: boolean
  overwrite?: boolean
  memoryLimit?: number
}

/**
 * Segments scans by expectation maximisation.
 *
 * @param naming what the outputs of each scan are called, if that is settled
 * @throws UserError if an input is wrong or an output is in the way
 */
export async function em(
  all: readonly string[],
  options: EmCommandOptions,
  terminal: Terminal,
  naming?: Naming,
): Promise<SegmentationRun> {
  requireLabelsOfEach(all, options.labels)
  const segmentations = await planJobs(all, naming, options, terminal)
  const made: MadeSegmentation[] = []
  const outcome = { jobs: segmentations.all, made, every: options.every }
  if (segmentations.jobs.length === 0) return outcome

  const { matchByIndex, resample = false } = options
  const silent = new Terminal('silent')
  const { good: jobs, failed } = await FailedScans.sift(
    segmentations.jobs,
    options.keepGoing,
    async ({ scan, index }) => {
      const labels = options.labels && [options.labels[index]!]
      const alone = { prior: options.prior, scans: [scan], labels, volume: options.volume }
      await matchRun(alone, options.every, { matchByIndex, resample }, silent)
      await tryScan(scan, { intensities: 'robust', volume: options.volume }, silent)
      if (labels) await readLabels(labels[0]!, silent, options.volume)
    },
    terminal,
  )
  const paths = jobs.map(({ scan }) => scan)
  const labels = options.labels && jobs.map(({ index }) => options.labels![index]!)
  const files = { prior: options.prior, scans: paths, labels, volume: options.volume }
  const grids = await matchRun(files, options.every, { matchByIndex, resample }, terminal)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  const table = await tableFor(channels, options.prior, options.classes, [priorFile.table], terminal)
  if (options.labelsOut !== 'classes') requireLabelsFit(table, options.format ?? 'nii.gz')
  const { scans, prior } = await readTrainingScans(paths, labels, priorFile, table, grids, 'robust', terminal)
  const ofPrior = options.labels && priorArgmax(prior.data, channels)

  await withGpu({ ...options, saving: 'a larger --every' }, terminal, async (gpu) => {
    const method = await ExpectationMaximisation.create(gpu, toPrior(prior), {
      ...emOptions(options),
      channels: channelsOfScans(paths),
    })
    terminal.note(describePreparation(method.preparation, options.memoryLimit))
    const assessments = new Assessments(prior, table)
    const unsided: (string | undefined)[] = []
    const asked = { posterior: options.posterior ?? false, entropy: false }
    const written = { command: 'em', table, values: options.labelsOut, ...asked }
    await segmentations.claim()
    const segmentOne = async (job: Job, i: number): Promise<void> => {
      const { stem } = job
      const start = performance.now()
      const { data, truths } = await loadBatch([scans[i]!])
      const result = await withProgress(method, data, options.iterations, terminal)
      const place = resultPlace(scans[i]!.name, grids, i)
      const { classes, posterior, field } = result
      const [truth] = truths
      const assessment = assessments.add(scans[i]!.name, { scan: data, classes, posterior, truth })
      const origin = await segmentations.originOf(job)
      if (field) {
        const fields = splitChannels(field(), toPrior(prior).shape)
        const endings = channelEndings(biasField, fields.length)
        for (const [c, data] of fields.entries()) {
          const volume = { data: place.field(data), channels: 1, grid: place.grid, source: place.source }
          const path = stem + inFormat(endings[c]!, job.format)
          await writeOutputVolume(path, volume, 'float32', origin)
        }
      }
      const segmented = { classes, posterior, assessment }
      unsided.push(await writeSegmentation(job, segmented, place, written, origin))
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      terminal.status(`${scans[i]!.name} -> ${stem}_dseg.${job.format} (${seconds} s)`)
      terminal.status(describeFit(result, table))
      made.push({ scan: job.scan, assessment, logLikelihoods: result.logLikelihoods })
      if (truth)
        terminal.print(
          formatDiceTable(table, {
            EM: overlapOf(classes, truth, table),
            prior: overlapOf(ofPrior!, truth, table),
          }),
        )
    }
    const inputs = (options.labels ?? []).map((path) => ({ role: 'labels', path }))
    const segmented = { command: 'em', jobs, made, inputs, assessments, failed } as const
    await segmentAll(segmented, options, gpu, terminal, segmentOne, () => {
      method.dispose()
      terminal.noteOnce(unsided)
    })
  })
  failed.conclude(terminal)
  return outcome
}

const biasField = '_biasfield.nii.gz'

function planJobs(
  scans: readonly string[],
  naming: Naming | undefined,
  options: EmCommandOptions,
  terminal: Terminal,
): Promise<SegmentationJobs> {
  const { components, beta, k, potential, bias, iterations, every } = options
  const own = {
    command: 'em',
    reads: options.labels ?? [],
    settings: { components, beta, bias, iterations, every, ...(beta === 0 ? {} : { k, potential }) },
    endings: bias > 0 ? channelEndings(biasField, channelsOfScans(scans)) : [],
  } as const
  return planSegmentations(scans, naming, options, own, terminal)
}

function emOptions(options: EmCommandOptions): EmOptions {
  const { components, beta, k, potential, bias, iterations, memoryLimit } = options
  return { components, beta, neighbourhood: k, potential, bias, iterations, memoryLimit }
}

async function withProgress(
  method: ExpectationMaximisation,
  scan: Float32Array,
  iterations: number,
  terminal: Terminal,
): Promise<EmResult> {
  const progress = new Progress(terminal, iterations, 1, 0, { unit: 'iteration', lines: 5 })
  try {
    return await method.run(scan, ({ iteration, logLikelihood }) => {
      progress.update(iteration, true, { 'log-likelihood': logLikelihood })
    })
  } finally {
    progress.stop()
  }
}

/** `23 iterations, log-likelihood 2.3940 per voxel; means: background 0.001, pallidum 0.397`; of two channels 0.001/0.002 */
function describeFit({ mixture, logLikelihoods }: EmResult, table: LabelTable): string {
  const means = mixture.map((components, c) => {
    const each = components.map(({ weight, mean }) => {
      const share = components.length === 1 ? '' : ` (${(100 * weight).toFixed(0)} %)`
      const ofChannels = mean.map((value) => value.toFixed(3).replace(/^-(?=0\.0+$)/, ''))
      return ofChannels.join('/') + share
    })
    return `${table.classes[c]!.name} ${each.join(' + ')}`
  })
  return [
    `${logLikelihoods.length} iterations, log-likelihood ${logLikelihoods.at(-1)!.toFixed(4)} per voxel`,
    `means: ${means.join(', ')}`,
  ].join('\n')
}
