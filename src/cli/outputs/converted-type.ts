import { UserError } from '../../errors.js'
import type { DType } from '../../io/dtype.js'
import type { WritableFormat } from '../../io/formats.js'
import { mghHolds } from '../../io/mgh.js'
import type { LabelVolume } from '../../io/volume.js'
import type { VoxelType } from '../../io/voxel-type.js'

/** The type to write, and what is to be said of it, if anything. */
interface ConvertedType {
  readonly type: VoxelType
  readonly remark: string | undefined
}

const names: Readonly<Record<DType, string>> = {
  ...{ i1: 'int8', i2: 'int16', i4: 'int32', i8: 'int64' },
  ...{ u1: 'uint8', u2: 'uint16', u4: 'uint32', u8: 'uint64' },
  ...{ f2: 'float16', f4: 'float32', f8: 'float64' },
}

/** The narrowest written type that holds all values of a type; those of the others decide. */
const holding: Partial<Readonly<Record<DType, VoxelType>>> = {
  ...{ u1: 'uint8', i1: 'int16', i2: 'int16', u2: 'int32', i4: 'int32' },
  ...{ f2: 'float32', f4: 'float32', f8: 'float64' },
}

/**
 * The type in which a file's voxels are written in another format: the same if it can be, else a wider one. Integers
 * stay integers, unless they need more than 31 bits.
 *
 * @throws UserError for integers beyond 2^53, which were not read exactly
 */
export function convertedType(volume: LabelVolume, format: WritableFormat): ConvertedType {
  const { stored, source } = volume
  if (stored === undefined)
    return { type: 'float32', remark: `${source}: its header scales its voxels; written as float32, scaled` }
  const exact = holding[stored] ?? widest(volume)
  const isRounded = stored === 'f8' && format.startsWith('.mg') && !mghHolds(exact)
  const type = isRounded ? 'float32' : exact
  if (type === names[stored]) return { type, remark: undefined }
  const how = isRounded ? `rounded to ${type}` : `written as ${type}`
  return {
    type,
    remark: `${source}: its voxels are ${names[stored]}, which is not written to ${format}; ${how}`,
  }
}

/** Of integers of 32 bits or more. */
function widest({ data, source }: LabelVolume): VoxelType {
  const most = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  if (most > 2 ** 53)
    throw new UserError(`${source}: holds integers beyond 2^53, which are not read exactly; renumber them`)
  return data.every((value) => value === (value | 0)) ? 'int32' : 'float64'
}
