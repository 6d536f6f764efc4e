import { checkPrior, parseLabelTable, UserError } from 'sae-webgpu'
import { decodeLabels, decodeVolume, type LabelVolume, type Volume } from 'sae-webgpu/io'
import type { FileKind, SortedFile } from './protocol.js'
import { bytesOf, readHeader, textOf } from './volumes.js'

/** Says what a file is: by its name, then by its header, then by its voxels. */
export async function sortFile(file: File): Promise<SortedFile> {
  try {
    return { name: file.name, ...(await kindOf(file)) }
  } catch (error) {
    if (error instanceof UserError) return { name: file.name, fault: error.message }
    throw error
  }
}

async function kindOf(file: File): Promise<{ readonly kind: FileKind; readonly contrasts?: number }> {
  const { name } = file
  if (/\.(json|tsv)$/i.test(name)) {
    parseLabelTable(await textOf(file), name)
    return { kind: 'table' }
  }
  if (/\.(safetensors|pth|pt|tar)$/i.test(name)) return { kind: 'weights' }
  if (!/\.(nii|nii\.gz|mgz|mgh|npz|npy)$/i.test(name)) {
    // A folder is refused for what it is.
    await bytesOf(file.slice(0, 1), name)
    throw new UserError(
      `${name} is not an image (.nii, .nii.gz, .mgz, .npz), weights (.safetensors, .pth.tar) or a table of classes (.json, .tsv)`,
    )
  }
  const { channels } = await readHeader(file)
  // Hundreds of volumes are a series, too large to read to find out.
  if (channels > mostClasses) throw unusable(name, channels)
  const bytes = await bytesOf(file, name)
  if (channels === 1) return { kind: looksLikeLabels(decodeLabels(bytes, name)) ? 'labels' : 'scan' }
  const volume = decodeVolume(bytes, name)
  if (looksLikeProbabilities(volume)) {
    // Refused now: with a scan that comes later, the scan would seem to be at fault.
    checkPrior(volume.data, volume.grid.shape, channels, name)
    return { kind: 'prior' }
  }
  if (channels > mostContrasts) throw unusable(name, channels)
  return { kind: 'scan', contrasts: channels }
}

function unusable(name: string, volumes: number): UserError {
  return new UserError(
    `${name}: its ${volumes} volumes are not a prior, which has probabilities from 0 to 1 that sum to 1 at every voxel, and a scan has at most ${mostContrasts} contrasts; open one volume as a file of its own`,
  )
}

/** Most classes that a label table may have, and so a prior. */
const mostClasses = 64

/** Most volumes that a file may have to be taken for a scan, with a contrast in each. */
export const mostContrasts = 8

/** Several volumes that sum to 1 at most voxels where any of them is above 0. */
export function looksLikeProbabilities({ data, channels }: Pick<Volume, 'data' | 'channels'>): boolean {
  if (channels === 1) return false
  const voxels = data.length / channels
  let [inside, whole] = [0, 0]
  for (let i = 0; i < voxels; i++) {
    let sum = 0
    for (let at = i; at < data.length; at += voxels) {
      if (!(data[at]! >= 0)) return false
      sum += data[at]!
    }
    if (sum > 0) inside++
    if (Math.abs(sum - 1) < 0.01) whole++
  }
  return inside > 0 && whole / inside > 0.5
}

/** Few values but more than one, all of them whole, and most voxels with the value of the one before: a scan has noise. */
export function looksLikeLabels({ data }: Pick<LabelVolume | Volume, 'data'>): boolean {
  const values = new Set<number>()
  let [pairs, alike] = [0, 0]
  let varies = false
  for (let i = 1; i < data.length; i++) {
    const value = data[i]!
    if (!Number.isInteger(value) || value < 0) return false
    varies ||= value !== data[0]
    if (value === 0) continue
    values.add(value)
    if (values.size > mostLabels) return false
    pairs++
    if (value === data[i - 1]) alike++
  }
  return varies && values.size > 0 && alike / pairs > 0.5
}

/** A parcellation of cortex and white matter has some two hundred. */
const mostLabels = 600
