import { diceScores, UserError, type LabelTable } from 'sae-webgpu'
import { gzip } from 'sae-webgpu/io'
import { encodeCheckpoint } from './checkpoint-file.js'
import { contrastsOf } from './contrasts.js'
import type { DataSet, Knowledge, Scan } from './data-set.js'
import { encodeClasses, encodeImage, encodeSegmentation } from './images.js'
import type { Network } from './network.js'
import type { ImageFile, KnowledgeFiles, Layer, Overlay } from './protocol.js'
import type { Run } from './run.js'
import type { Segmentations } from './segmentations.js'

/** A contrast of a scan as it is in its file. @throws UserError if there is no such contrast */
export function scanImage(scan: Scan, contrast: number): ImageFile {
  const shown = contrastsOf(scan)[contrast]
  if (!shown) throw new UserError(`${scan.name} has no contrast ${contrast + 1}`)
  const { name, data, grid, original } = shown
  const image = original ?? { data, grid }
  return encodeImage(name, image.data, image.grid, 'float32')
}

/** An overlay, undefined if there is none of this kind. @param channel class whose probability to show */
export async function overlayOf(
  data: DataSet,
  index: number,
  layer: Layer,
  channel: number,
  segmentations: Segmentations | undefined,
): Promise<Overlay | undefined> {
  if (layer === 'none' || !data.knowledge) return undefined
  const { prior, table } = data.knowledge
  const { name, grid, truth } = scanOf(data, index)
  const title = `${name} ${layer}`
  const probability = (values: Float32Array, on = grid): Overlay => {
    const voxels = values.length / prior.classes
    const plane = values.subarray(channel * voxels, (channel + 1) * voxels)
    return { image: encodeImage(title, plane, on, 'float32'), kind: 'probability', dice: undefined }
  }
  const labels = (classes: Uint8Array, on = grid, dice?: readonly number[]): Overlay => {
    return { image: encodeClasses(title, classes, table, on), kind: 'labels', dice }
  }
  if (layer === 'prior') return probability(prior.data)
  if (layer === 'reference') return truth && labels(truth)
  if (!segmentations) return undefined
  const found = await segmentations.of(index)
  if (layer === 'posterior') return probability(found.posterior, found.grid)
  return labels(found.classes, found.grid, truth && diceScores(found.working, truth, prior.classes))
}

/** The segmentation as `sae segment` writes it, gzipped. */
export async function segmentationFile(
  data: DataSet,
  { table }: Knowledge,
  index: number,
  segmentations: Segmentations,
): Promise<ImageFile> {
  const { name } = scanOf(data, index)
  const { classes, grid } = await segmentations.of(index)
  const image = encodeSegmentation(`${name}_dseg`, classes, table, grid)
  return { name: `${image.name}.gz`, bytes: new Uint8Array(gzip(image.bytes)) }
}

/** The weights; during training, with everything needed to resume. */
export async function weightsFile(
  { model, variables, intensities, hasDecoder }: Network,
  run: Run | undefined,
  table: LabelTable,
): Promise<ImageFile> {
  const bytes = await (run?.checkpoint() ??
    encodeCheckpoint(model, variables, hasDecoder, table, intensities, undefined))
  const stage = run?.current.stage === 'pretraining' ? 'pretrained' : 'trained'
  return { name: `${stage}.safetensors`, bytes }
}

/** A page about the segmentation, with pictures and volumes. */
export async function reportFile(
  data: DataSet,
  { table }: Knowledge,
  index: number,
  segmentations: Segmentations,
): Promise<ImageFile> {
  const scan = scanOf(data, index)
  const { classes, grid } = await segmentations.of(index)
  const { reportOf } = await import('./report.js')
  return { name: `${scan.name}_report.html`, bytes: reportOf(scan, classes, grid, table) }
}

/**
 * The prior of a saved run and the table of its classes as files: other scans can be opened with them. None for phantoms,
 * which do not say where they lie.
 */
export function knowledgeFiles({ scans, knowledge }: DataSet): KnowledgeFiles {
  const [scan] = scans
  if (!knowledge || !scan?.grid.known) return { prior: undefined, table: undefined }
  const { prior, table, guessed } = knowledge
  const { name, bytes } = encodeImage('prior of the saved run', prior.data, scan.grid, 'float32')
  return {
    prior: new File([bytes], name),
    table: guessed ? undefined : new File([JSON.stringify(table)], 'classes of the saved run.json'),
  }
}

/** @throws UserError if there is no such scan */
export function scanOf(data: DataSet, index: number): Scan {
  const scan = data.scans[index]
  if (!scan) throw new UserError(`there is no scan ${index + 1}`)
  return scan
}
