import { UserError } from '../errors.js'
import { toCOrder, type Shape4 } from './axes.js'
import { asFloats, bytesPerElement, type DType, type FloatArray, type Floats } from './dtype.js'
import { gunzip, isGzip } from './gzip.js'
import { formatShape } from './volume.js'

/** How the voxels of a NIfTI, Analyze or MGH file lie in it: the first axis fastest, channels slowest. */
export interface RawImage {
  /** `[channels, D, H, W]`. */
  readonly shape: Shape4
  /** The extents as the header gives them, for messages. */
  readonly dims: readonly number[]
  readonly dtype: DType
  readonly littleEndian: boolean
  /** Where the voxels begin, in bytes. */
  readonly start: number
  /** Most bytes that may follow the voxels in a gzipped file; one with more is damaged, or a decompression bomb. */
  readonly surplus: number
}

/**
 * The voxels of an image, `[channels, D, H, W]` in C order.
 *
 * @param bytes the file that holds them, gzipped or not
 * @param source its name, for messages
 * @throws UserError if it holds fewer than the header says, or is damaged
 */
export function readVoxels<T extends FloatArray>(
  bytes: Uint8Array,
  { shape, dims, dtype, littleEndian, start, surplus }: RawImage,
  source: string,
  floats: Floats<T>,
): T {
  const [, D, H, W] = shape
  const length = shape.reduce((product, size) => product * size, bytesPerElement(dtype))
  const raw = isGzip(bytes) ? gunzip(bytes, source, start + length + surplus) : bytes
  const found = Math.max(0, raw.length - start)
  if (found < length) {
    throw new UserError(
      `${source}: the header says ${formatShape(dims)}, ${length} bytes, but ${found} follow; the file is truncated or its header is wrong`,
    )
  }
  const data = asFloats(raw.subarray(start, start + length), dtype, littleEndian, floats)
  return toCOrder(data, shape, [D * H * W, 1, D, D * H], new floats(data.length))
}
