import { UserError } from '../errors.js'
import { isAnalyze, readAnalyzeHeader } from './analyze.js'
import type { FloatArray, Floats } from './dtype.js'
import { gunzipHead, isGzip } from './gzip.js'
import { readNiftiHeader, readNiftiPair } from './nifti.js'
import { pairOf } from './pairs.js'
import { readVoxels } from './raw-image.js'
import type { FloatVolume, VolumeHeader } from './volume.js'

/** More than the headers of NIfTI-1, NIfTI-2 and Analyze. */
const HEADER_BYTES = 540

/**
 * Reads a `.hdr`/`.img` pair: NIfTI-1 or NIfTI-2 by the header's magic string, else Analyze 7.5.
 *
 * @param header the bytes of the `.hdr`
 * @param source the name of either file, for messages
 * @param image the bytes of the `.img`
 * @throws UserError if the header or the image is missing or bad, or the two do not agree
 */
export function readPair<T extends FloatArray>(
  header: Uint8Array,
  source: string,
  image: Uint8Array | undefined,
  floats: Floats<T>,
): FloatVolume<T> {
  const names = pairOf(source) ?? { header: source, image: source }
  if (image === undefined) throw new UserError(`${names.header}: its voxels, ${names.image}, are not given`)
  const head = headOf(header, names.header)
  if (!isAnalyze(head))
    return { ...readNiftiPair(head, names.header, { bytes: image, source: names.image }, floats), source }
  const { scale, image: layout } = readAnalyzeHeader(head, names.header)
  const data = readVoxels(image, layout, names.image, floats)
  if (scale !== 1) for (let i = 0; i < data.length; i++) data[i]! *= scale
  return { ...readPairHeader(head, source), data }
}

/** What the header of a pair says. @throws UserError as `readPair`, if it is bad */
export function readPairHeader(header: Uint8Array, source: string): VolumeHeader {
  const name = pairOf(source)?.header ?? source
  const head = headOf(header, name)
  if (!isAnalyze(head)) return { ...readNiftiHeader(head, name, 'pair'), source }
  const { image, grid, scale, warnings } = readAnalyzeHeader(head, name)
  const stored = scale === 1 ? image.dtype : undefined
  return { channels: image.shape[0], grid, source, warnings, stored }
}

function headOf(header: Uint8Array, source: string): Uint8Array {
  return isGzip(header) ? gunzipHead(header, HEADER_BYTES, source) : header
}
