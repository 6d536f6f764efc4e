import type { Precision } from '../../plan/storage.js'
import { Variables } from '../../plan/variables.js'
import { formatShape } from '../../io/volume.js'
import { boxShape } from '../../ops/shared/box.js'
import { channelsOf, checkTensors, createModel, loadTensors } from '../../sae/model.js'
import { Segmenter } from '../../sae/segmenter.js'
import { openEm } from '../assess/assess-run.js'
import { Assessments } from '../assess/assessments.js'
import type { Layout, Naming } from '../cohort/bids-derivatives.js'
import { channelEndings, channelsOfScans } from '../inputs/channel-files.js'
import { tableFor } from '../inputs/classes.js'
import { describePreparation, withGpu } from '../device.js'
import { FailedScans } from '../cohort/failed-scans.js'
import { readChannels, tryScan } from '../inputs/inputs.js'
import { matchRun } from '../grids/match-run.js'
import { type GlobalOptions } from '../options.js'
import { requireLabelsFit, type ResultFormat } from '../outputs/result-format.js'
import { networkPrior, readPrior, toPrior } from '../prior/prior-file.js'
import { printProfile, requireTimestamps } from '../profile.js'
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
import { subsample } from '../grids/subsample.js'
import { Terminal } from '../terminal.js'
import { trainedGridOf, warnOfOtherSize } from '../grids/trained-grid.js'
import { readyWeights, requireUsable } from '../inputs/usable-scans.js'
import { requireClasses, requireDecoder } from '../inputs/weights-file.js'
import { reconstructionEnding, writeSegmentation } from './write-segmentation.js'

export interface SegmentOptions extends GlobalOptions {
  weights: string
  prior: string
  output: string
  posterior?: boolean
  entropy?: boolean
  reconstruction?: boolean
  every?: number
  matchByIndex: boolean
  volume?: number
  resample?: boolean
  refine: number
  beta: number
  k: number
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
  precision?: Precision
  wholeGrid?: boolean
  profile?: boolean
}

/**
 * Segments scans with trained weights.
 *
 * @param naming what the outputs of each scan are called, if that is settled
 * @param leftOut scans that the command has left out before, for the record
 * @throws UserError if an input is wrong or an output is in the way
 */
export async function segment(
  paths: readonly string[],
  asked: SegmentOptions,
  terminal: Terminal,
  naming?: Naming,
  leftOut?: FailedScans,
): Promise<SegmentationRun> {
  const ready = await readyWeights(paths, asked)
  const { weights, every } = ready
  const trained = trainedGridOf(weights)
  const { matchByIndex, resample = false } = asked
  const options = { ...asked, every }
  const segmentations = await planJobs(paths, naming, options, terminal)
  const made: MadeSegmentation[] = []
  const outcome = { jobs: segmentations.all, made, every }
  if (segmentations.jobs.length === 0) return outcome
  const { good: jobs, failed } = await FailedScans.sift(
    segmentations.jobs,
    options.keepGoing,
    ({ scan }) => requireUsable({ scan }, ready, options),
    terminal,
  )

  const scans = jobs.map(({ scan }) => scan)
  const files = { prior: options.prior, scans, volume: options.volume }
  const grids = await matchRun(files, every, { matchByIndex, resample }, terminal)
  if (asked.every === undefined && every > 1)
    terminal.note(
      `segmented with --every ${every}, as ${weights.source} was trained; --every 1 takes all voxels`,
    )
  const worked = grids.resampled
    ? [{ source: options.prior, grid: grids.resampled }]
    : scans.map((source, i) => ({ source, grid: grids.scanGrids[i]! }))
  warnOfOtherSize(trained, weights.source, every, worked, terminal, resample ? 'prior' : 'scan')
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  requireClasses(weights, channels, options.prior)
  const table = await tableFor(
    channels,
    options.prior,
    options.classes,
    [priorFile.table, weights.table],
    terminal,
  )
  if (options.labelsOut !== 'classes') requireLabelsFit(table, options.format ?? 'nii.gz')
  const { architecture, intensities } = weights.info
  const model = createModel(architecture)
  const wanted = options.reconstruction ? model.parameters : model.encoder.parameters
  if (options.reconstruction) requireDecoder(weights)
  checkTensors(wanted, weights.tensors, weights.source)
  // Check all scans before segmenting the first, then read each again: a cohort does not fit into memory.
  const reading = { intensities, volume: grids.volume }
  for (const scan of scans) await tryScan(scan, reading, terminal)
  const priorVolume = subsample(priorFile.volume, grids.priorEvery)

  await withGpu({ ...options, saving: 'a larger --every' }, terminal, async (gpu) => {
    if (options.profile) requireTimestamps(gpu)
    const variables = new Variables(gpu)
    const prior = networkPrior(priorVolume, architecture)
    loadTensors(variables, wanted, weights.tensors, weights.source)
    const places = scans.map((scan, i) => resultPlace(scan, grids, i))
    const { posterior = false, entropy = false } = options
    const segmenter = await Segmenter.create(gpu, model, variables, prior, {
      posterior: posterior || entropy || places.some(({ interpolates }) => interpolates),
      reconstruction: options.reconstruction ?? false,
      rounds: options.refine,
      beta: options.beta,
      neighbourhood: options.k,
      memoryLimit: options.memoryLimit,
      ...(options.wholeGrid ? { wholeGrid: true } : {}),
      ...(options.precision ? { precision: options.precision } : {}),
    })
    terminal.note(describeRegion(segmenter, priorVolume.grid.shape))
    terminal.note(describePreparation(segmenter.preparation, options.memoryLimit))
    const room = options.memoryLimit && options.memoryLimit - segmenter.preparation.bytes
    const emOptions = { memoryLimit: room, channels: channelsOf(architecture) }
    const em = await openEm(gpu, toPrior(priorVolume), emOptions, terminal)
    const assessments = new Assessments(priorVolume, table)
    const unsided: (string | undefined)[] = []
    const written = { command: 'segment', table, values: options.labelsOut, posterior, entropy }
    await segmentations.claim()
    const segmentOne = async (job: Job, i: number): Promise<void> => {
      const start = performance.now()
      const scan = await readChannels(job.scan, grids.channels[i]!, reading, silent)
      const segmentation = await segmenter.segment(scan)
      const origin = await segmentations.originOf(job)
      const assessed = { scan, ...segmentation, em: await em?.run(scan) }
      const assessment = assessments.add(job.scan, assessed)
      const segmented = { ...segmentation, assessment }
      unsided.push(await writeSegmentation(job, segmented, places[i]!, written, origin))
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      terminal.status(`${job.scan} -> ${job.stem}_dseg.${job.format} (${seconds} s)`)
      made.push({ scan: job.scan, assessment })
    }
    const inputs = [{ role: 'weights', path: options.weights }]
    const segmented = {
      command: 'segment',
      jobs,
      made,
      inputs,
      assessments,
      failed: leftOut ?? failed,
    } as const
    await segmentAll(segmented, options, gpu, terminal, segmentOne, async () => {
      terminal.noteOnce(unsided)
      if (options.profile) printProfile(await segmenter.profile(), terminal)
    })
  })
  failed.conclude(terminal)
  return outcome
}

function planJobs(
  scans: readonly string[],
  naming: Naming | undefined,
  options: SegmentOptions & { readonly every: number },
  terminal: Terminal,
): Promise<SegmentationJobs> {
  const { weights, every, refine, beta, k, precision, wholeGrid, entropy, reconstruction } = options
  const own = {
    command: 'segment',
    with: { weights },
    settings: {
      ...{ every, refine, precision, wholeGrid, entropy, reconstruction },
      ...(refine === 0 ? {} : { beta, k }),
    },
    endings: [
      ...(entropy ? ['_entropy.nii.gz'] : []),
      ...(reconstruction ? channelEndings(reconstructionEnding, channelsOfScans(scans)) : []),
    ],
  } as const
  return planSegmentations(scans, naming, options, own, terminal)
}

/** `region: 152x158x192 of 160x192x224 voxels; the prior allows only the background elsewhere` */
function describeRegion({ region }: Segmenter, shape: readonly [number, number, number]): string {
  if (!region) return `region: all ${formatShape(shape)} voxels`
  const part = formatShape(boxShape(region))
  return `region: ${part} of ${formatShape(shape)} voxels; the prior allows only the background elsewhere`
}

/** Notes and warnings were printed when the scan was first read. */
const silent = new Terminal('silent')
