import type { Variables } from '../../plan/variables.js'
import { UserError } from '../../errors.js'
import type { Gpu } from '../../gpu/gpu.js'
import type { Volume } from '../../io/volume.js'
import type { EmSegmentation } from '../../sae/assessment/assessment.js'
import { SampledEm, type SampledEmOptions } from '../../sae/assessment/sampled-em.js'
import { loadBatch, type TrainingScan } from '../../sae/training/batches.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { channelsOf, loadTensors, type Model } from '../../sae/model.js'
import type { Prior } from '../../sae/prior/prior.js'
import { Segmenter } from '../../sae/segmenter.js'
import type { OptimiserSettings } from '../../sae/settings.js'
import { Assessments } from './assessments.js'
import type { RunExamples } from '../examples/run-examples.js'
import type { LearningOptions } from '../options.js'
import { networkPrior, toPrior } from '../prior/prior-file.js'
import type { Input } from '../run/run-record.js'
import type { Terminal } from '../terminal.js'
import { readWeights } from '../inputs/weights-file.js'

/** At most this many training scans are segmented. */
const mostScans = 20

/** What `sae pretrain` or `sae train` has done. */
interface LearningRun {
  readonly command: 'pretrain' | 'train'
  readonly gpu: Gpu
  readonly model: Model
  /** Holds the weights of the last step; replaced if `weights` names a file. */
  readonly variables: Variables
  /** The weights to assess, if they are not those of the last step. */
  readonly weights?: string
  /** Take in how one of the scans is segmented in the end. */
  readonly examples: { readonly kept: RunExamples; readonly weights: string }
  readonly scans: readonly TrainingScan[]
  /** On the grid of the scans. */
  readonly prior: Volume
  readonly table: LabelTable
  readonly options: LearningOptions & { readonly resume?: string; readonly validate?: string[] }
  /** What the options became. */
  readonly settings: OptimiserSettings & { readonly target?: string }
  /** Of the last step. */
  readonly figures: Readonly<Record<string, unknown>>
  /** The exit code if a signal ended the run. */
  readonly interrupted: number | undefined
}

/**
 * The end of a run: segments the training scans, compares the segmentations with the prior and with EM, prints the
 * assessment, and adds the run to `run.json`. Dispose of the training plans first, to make room. An interrupted run is
 * only recorded.
 *
 * @throws UserError if there is not enough memory, or the file cannot be written
 */
export async function assessRun(run: LearningRun, terminal: Terminal): Promise<void> {
  const { command, gpu, scans, prior, table, options, settings, figures, interrupted } = run
  const assessments = new Assessments(prior, table)
  if (interrupted === undefined) await segmentScans(run, assessments, terminal)
  const inputs = [
    ...scans.map(({ name }): Input => ({ role: 'scan', path: name })),
    ...(options.validate ?? []).map((path): Input => ({ role: 'validation scan', path })),
    ...(options.labels ?? []).map((path): Input => ({ role: 'labels', path })),
    { role: 'prior', path: options.prior },
    ...[options.init, options.resume].flatMap((path) =>
      path === undefined ? [] : [{ role: 'weights', path }],
    ),
  ]
  const record = {
    command,
    options,
    settings,
    inputs,
    adapter: gpu.adapter,
    interrupted,
    figures,
  }
  await assessments.finish(options.output, record, terminal)
}

async function segmentScans(run: LearningRun, assessments: Assessments, terminal: Terminal): Promise<void> {
  const { command, gpu, model, variables, weights, scans, prior: volume, settings, options } = run
  const { memoryLimit, precision } = options
  const prior = toPrior(volume)
  const chosen = scans.slice(0, mostScans)
  terminal.status(
    `\n${describe(chosen.length, scans.length)}${weights === undefined ? '' : ` by ${weights}`}`,
  )
  if (weights !== undefined) {
    const { tensors, source } = await readWeights(weights)
    loadTensors(variables, model.parameters, tensors, source)
  }
  // First EM, then the network: each has the device to itself.
  const em = await segmentByEm(
    gpu,
    prior,
    chosen,
    { memoryLimit, channels: channelsOf(model.architecture) },
    terminal,
  )
  const segmenter = await Segmenter.create(gpu, model, variables, networkPrior(volume, model.architecture), {
    // A limit that suffices for training may be too low to hold all probabilities at once.
    posterior: memoryLimit === undefined,
    reconstruction: command === 'train',
    memoryLimit,
    ...(precision ? { precision } : {}),
  })
  const { kept, weights: file } = run.examples
  for (const [i, scan] of chosen.entries()) {
    const { data, truths } = await loadBatch([scan])
    const segmentation = await segmenter.segment(data)
    if (i === kept.index) kept.end(segmentation.classes, file)
    const imitatesPrior = command === 'pretrain' && settings.target !== 'mixture'
    assessments.add(scan.name, { scan: data, ...segmentation, em: em?.[i], truth: truths[0], imitatesPrior })
  }
  if (kept.index >= chosen.length) {
    const { data } = await loadBatch([scans[kept.index]!])
    kept.end((await segmenter.segment(data)).classes, file)
  }
  segmenter.dispose()
  await kept.save()
}

/** `The first 20 of 31 training scans, segmented (means)` */
function describe(chosen: number, scans: number): string {
  if (scans === 1) return 'The training scan, segmented'
  return `${chosen < scans ? `The first ${chosen} of ${scans}` : `All ${scans}`} training scans, segmented (means)`
}

/** Undefined if the memory limit leaves no room for it. */
async function segmentByEm(
  gpu: Gpu,
  prior: Prior,
  scans: readonly TrainingScan[],
  options: SampledEmOptions,
  terminal: Terminal,
): Promise<EmSegmentation[] | undefined> {
  const em = await openEm(gpu, prior, options, terminal)
  if (!em) return undefined
  const segmentations: EmSegmentation[] = []
  for (const scan of scans) segmentations.push(await em.run((await loadBatch([scan])).data))
  em.dispose()
  return segmentations
}

/** EM to compare with, within the memory limit; undefined, with a note to the user, if that is too low. */
export async function openEm(
  gpu: Gpu,
  prior: Prior,
  options: SampledEmOptions,
  terminal: Terminal,
): Promise<SampledEm | undefined> {
  try {
    return await SampledEm.create(gpu, prior, options)
  } catch (error) {
    if (!(error instanceof UserError) || options.memoryLimit === undefined) throw error
    terminal.note('not compared with EM: --memory-limit leaves no room for it')
    return undefined
  }
}
