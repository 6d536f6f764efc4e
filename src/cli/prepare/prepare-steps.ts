import { UserError } from '../../errors.js'
import type { Gpu } from '../../gpu/gpu.js'
import { describeAxes } from '../../io/orientation.js'
import { formatShape, voxelSize, type Grid, type Volume } from '../../io/volume.js'
import { applyScaling, robustScaling } from '../../sae/intensity.js'
import { correctBias } from '../../sae/prepare/bias-correction.js'
import { masked } from '../../sae/prepare/brain-mask.js'
import { conformedGrid, isConformed } from '../../sae/prepare/conform.js'
import { resampleImages } from '../../sae/resampling/image.js'
import { resampleLabels } from '../../sae/resampling/labels.js'
import { voxelMap } from '../../sae/resampling/voxel-map.js'
import { describePreparation } from '../device.js'
import type { Made, OutputFile, Stage } from './prepare-stage.js'
import { registerEndings, registerTo } from './prepare-register.js'
import type { RegisteredScan } from '../register/registration.js'
import type { Stripper } from './stripper.js'
import type { Terminal } from '../terminal.js'
import { voxelVolume } from '../grids/voxel-volume.js'

/** The steps of `sae prepare`, in their order. */
export const stepNames = ['conform', 'strip', 'bias', 'intensities', 'register'] as const
export type StepName = (typeof stepNames)[number]

/** What the steps need beside the scan. */
export interface Workshop {
  readonly gpu: Gpu
  /** Undefined if `strip` is skipped. */
  readonly stripper: Stripper | undefined
  /** Order of the bias field. */
  readonly bias: number
  readonly memoryLimit: number | undefined
  /** Where to bring scans; undefined without `register`. */
  readonly target: RegisteredScan | undefined
  readonly terminal: Terminal
}

/** What a step does with a scan. @throws UserError if it cannot */
export const steps: Readonly<Record<StepName, (stage: Stage, workshop: Workshop) => Promise<Made>>> = {
  conform: (stage) => Promise.resolve(conform(stage)),
  strip,
  bias: removeBias,
  intensities: (stage) => Promise.resolve(scaleIntensities(stage)),
  register: (stage, { target, terminal }) => Promise.resolve(registerTo(target!, stage, terminal)),
}

/**
 * How the files of a step end. Those of `strip` on the grid of the scan's file are written if the scan was conformed.
 *
 * @param suffix BIDS's for the kind of scan: `T1w`
 */
export function endingsOf(step: StepName, suffix: string, conforms: boolean): string[] {
  const image = (name: string) => `_${name}_${suffix}.nii.gz`
  const own = conforms ? [maskInOrig, image(brainInOrig)] : []
  return {
    conform: [image('desc-conform')],
    strip: [...own, maskEnding, image('desc-brain')],
    bias: [fieldEnding, image('desc-biascorr')],
    intensities: [image('desc-preproc')],
    register: registerEndings(suffix),
  }[step]
}

const maskEnding = '_desc-brain_mask.nii.gz'
const maskInOrig = '_space-orig_desc-brain_mask.nii.gz'
const brainInOrig = 'space-orig_desc-brain'
const fieldEnding = '_biasfield.nii.gz'

function conform({ scan, mask, suffix }: Stage): Made {
  const conformed = conformedScan(scan)
  const how = conformed === scan ? 'is conformed already' : `conformed to ${describeGrid(conformed.grid)}`
  return {
    scan: conformed,
    mask,
    files: [imageFile('desc-conform', suffix, conformed)],
    report: `${how} (was ${describeGrid(scan.grid)})`,
    figures: {},
  }
}

async function strip({ scan, original, suffix }: Stage, workshop: Workshop): Promise<Made> {
  const conformed = conformedScan(scan)
  const found = await brainOf(conformed, workshop)
  if (!found.includes(1))
    throw new UserError(
      `${scan.source}: the network found no brain; look at the scan's orientation and at --percentiles`,
    )
  const onto = (volume: Volume): Uint8Array => maskOnto(found, conformed.grid, volume.grid)
  const mask = onto(scan)
  const stripped = { ...scan, data: masked(scan.data, mask) }
  const own = scan === original ? undefined : onto(original)
  const files = [
    ...(own
      ? [
          maskFile(maskInOrig, own, original),
          imageFile(brainInOrig, suffix, { ...original, data: masked(original.data, own) }),
        ]
      : []),
    maskFile(maskEnding, mask, scan),
    imageFile('desc-brain', suffix, stripped),
  ]
  const litres = mask.reduce((sum, value) => sum + value, 0) * voxelVolume(scan.grid.affine) * 1e-6
  const report = `stripped: ${(1000 * litres).toFixed(0)} ml of brain`
  return { scan: stripped, mask, files, report, figures: { 'brain ml': 1000 * litres } }
}

/** The brain in a conformed scan. The network takes device memory only meanwhile. */
async function brainOf({ data }: Volume, { gpu, stripper, terminal, memoryLimit }: Workshop) {
  const preparation = await stripper!.prepare(gpu)
  try {
    terminal.note(`  ${describePreparation(preparation, memoryLimit)}`)
    return await stripper!.brainOf(data)
  } finally {
    stripper!.dispose()
  }
}

async function removeBias(stage: Stage, { gpu, bias, memoryLimit }: Workshop): Promise<Made> {
  const { scan } = stage
  const mask = stage.mask ?? aboveBackground(scan)
  if (!mask.includes(1)) throw noBrain(scan)
  const options = { order: bias, memoryLimit }
  const { corrected, field, iterations } = await correctBias(gpu, scan.data, mask, scan.grid.shape, options)
  const [low, high] = rangeWithin(field, mask)
  const volume = { ...scan, data: corrected }
  return {
    scan: volume,
    mask: stage.mask,
    files: [
      { ending: fieldEnding, volume: { ...scan, data: field }, type: 'float32' },
      imageFile('desc-biascorr', stage.suffix, volume),
    ],
    report: `bias field from ${low.toFixed(2)} to ${high.toFixed(2)} in the brain, ${iterations} iterations`,
    figures: { 'field from': low, 'field to': high, iterations },
  }
}

function scaleIntensities({ scan, mask, suffix }: Stage): Made {
  if (!aboveBackground(scan).includes(1)) throw noBrain(scan)
  const scaling = robustScaling(scan.data)
  const volume = { ...scan, data: applyScaling(scan.data, scaling) }
  return {
    scan: volume,
    mask,
    files: [imageFile('desc-preproc', suffix, volume)],
    report: `intensities from ${short(scaling.low)} to ${short(scaling.high)} scaled to 0..1`,
    figures: { low: scaling.low, high: scaling.high },
  }
}

/** Whether a step needs to know how the head lies in a scan. */
export const needsOrientation = (step: StepName): boolean =>
  step === 'conform' || step === 'strip' || step === 'register'

/** A scan as the networks of brainchop take it; the same if it is so already. Its orientation must be known. */
function conformedScan(scan: Volume): Volume {
  const { shape, affine } = scan.grid
  if (isConformed(shape, affine)) return scan
  const grid = { ...conformedGrid(shape, affine), known: true }
  const map = voxelMap(affine, grid.affine, grid.shape)
  return { ...scan, data: resampleImages(scan.data, shape, map, grid.shape), grid }
}

function maskOnto(mask: Uint8Array, from: Grid, to: Grid): Uint8Array {
  if (from === to) return mask
  return resampleLabels(mask, from.shape, voxelMap(from.affine, to.affine, to.shape), to.shape)
}

/** The brain of a scan that is stripped already: all that is not background. */
function aboveBackground(scan: Volume): Uint8Array {
  const { low } = robustScaling(scan.data)
  return Uint8Array.from(scan.data, (value) => (value > low ? 1 : 0))
}

const noBrain = ({ source }: Volume): UserError =>
  new UserError(
    `${source}: nothing in it is brighter than its background, so there is no brain; look at the scan`,
  )

const imageFile = (name: string, suffix: string, volume: Volume): OutputFile => ({
  ending: `_${name}_${suffix}.nii.gz`,
  volume,
  type: 'float32',
})

const maskFile = (ending: string, mask: Uint8Array, like: Volume): OutputFile => ({
  ending,
  volume: { ...like, data: Float32Array.from(mask) },
  type: 'uint8',
})

function rangeWithin(field: Float32Array, mask: Uint8Array): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  field.forEach((value, i) => {
    if (mask[i] === 0) return
    low = Math.min(low, value)
    high = Math.max(high, value)
  })
  return [low, high]
}

/** `256x256x256 voxels of 1x1x1 mm, LIA` */
function describeGrid(grid: Grid): string {
  return `${formatShape(grid.shape)} voxels of ${voxelSize(grid.affine).map(short).join('x')} mm, ${describeAxes(grid)}`
}

const short = (value: number): string => String(Number(value.toPrecision(4)))
