import { UserError } from 'sae-webgpu'
import { decodeLabels, type LabelVolume, type Volume } from 'sae-webgpu/io'
import type { FileKind, SortedFile } from './protocol.js'
import { bytesOf, readHeader } from './volumes.js'

/** Says what a file is: by its name, then by its header, then by its voxels. */
export async function sortFile(file: File): Promise<SortedFile> {
  try {
    return { name: file.name, kind: await kindOf(file) }
  } catch (error) {
    if (error instanceof UserError) return { name: file.name, fault: error.message }
    throw error
  }
}

async function kindOf(file: File): Promise<FileKind> {
  const { name } = file
  if (/\.(json|tsv)$/i.test(name)) return 'table'
  if (/\.(safetensors|pth|pt|tar)$/i.test(name)) return 'weights'
  if (!/\.(nii|nii\.gz|mgz|mgh|npz|npy)$/i.test(name)) {
    throw new UserError(
      `${name}: is no image (.nii, .nii.gz, .mgz, .npz), no weights (.safetensors, .pth.tar) and no table of classes (.json, .tsv)`,
    )
  }
  const { channels } = await readHeader(file)
  if (channels > 1) return 'prior'
  return looksLikeLabels(decodeLabels(await bytesOf(file, name), name)) ? 'labels' : 'scan'
}

/** Few values, all of them whole, and most voxels with the value of the one before: a scan has noise. */
export function looksLikeLabels({ data }: Pick<LabelVolume | Volume, 'data'>): boolean {
  const values = new Set<number>()
  let [pairs, alike] = [0, 0]
  for (let i = 1; i < data.length; i++) {
    const value = data[i]!
    if (!Number.isInteger(value) || value < 0) return false
    if (value === 0) continue
    values.add(value)
    if (values.size > mostLabels) return false
    pairs++
    if (value === data[i - 1]) alike++
  }
  return values.size > 0 && alike / pairs > 0.5
}

/** A parcellation of cortex and white matter has some two hundred. */
const mostLabels = 600
