import { BufferReader, Parser } from 'pickleparser'
import { UserError } from '../errors.js'
import { toFloat32, type DType } from './dtype.js'
import { isZip, unzip } from './zip.js'

/** PyTorch's storage classes: what their elements are, and how wide. */
const STORAGES: Readonly<Record<string, { bytes: number; dtype?: DType }>> = {
  FloatStorage: { bytes: 4, dtype: 'f4' },
  DoubleStorage: { bytes: 8, dtype: 'f8' },
  HalfStorage: { bytes: 2, dtype: 'f2' },
  BFloat16Storage: { bytes: 2 },
  LongStorage: { bytes: 8 },
  IntStorage: { bytes: 4 },
  ShortStorage: { bytes: 2 },
  CharStorage: { bytes: 1 },
  ByteStorage: { bytes: 1 },
  BoolStorage: { bytes: 1 },
}
/** The pickle of 0x1950a86a20f9469cfc6c, with which every file of the older format begins. */
const LEGACY_MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
const LEGACY_PROTOCOL = 1001

/** A run of elements that tensors view. */
class StorageRef {
  constructor(
    readonly type: string,
    readonly key: string,
    readonly length: number,
  ) {}
}

/** A view of a storage; `stride` and `offset` in elements. */
export class TensorRef {
  constructor(
    readonly storage: StorageRef,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
  ) {}
}

export interface TorchFile {
  /** What was saved: dictionaries as `Map`, lists and tuples as arrays, tensors as `TensorRef`. */
  root: unknown
  /** @throws UserError if the storage is missing or not of floating point */
  storage(ref: StorageRef): Float32Array
}

export function isLegacyTorch(bytes: Uint8Array): boolean {
  return LEGACY_MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads what `torch.save` wrote: before PyTorch 1.6 five pickles in a row (magic number, protocol version, system,
 * object, storage keys) and the raw storages; since then a zip archive. See `torch/serialization.py`.
 *
 * Classes and functions named in the file become inert placeholders: nothing of it is executed.
 * @param source the file's name, for messages
 * @throws UserError if the file is truncated or damaged, or is no such file
 */
export function loadTorch(bytes: Uint8Array, source: string): TorchFile {
  if (!isZip(bytes) && !isLegacyTorch(bytes)) {
    throw new UserError(`${source}: not a PyTorch file, nor a safetensors file`)
  }
  try {
    const { root, raw } = isZip(bytes) ? loadZip(bytes, source) : loadLegacy(bytes)
    return { root, storage: (ref) => toFloats(ref, raw.get(ref.key), source) }
  } catch (error) {
    if (error instanceof UserError) throw error
    // A TypeError of the runtime, from calling what is no function, would quote source code.
    const { name, message } = error as Error
    const reason = name === 'Error' ? message : 'its objects make no sense'
    throw new UserError(`${source}: PyTorch file truncated or damaged (${reason})`)
  }
}

interface Contents {
  root: unknown
  raw: Map<string, Uint8Array>
}

function loadZip(bytes: Uint8Array, source: string): Contents {
  const entries = unzip(bytes, source, (name) => /^[^/]+\/(data\.pkl|byteorder|data\/[^/]+)$/.test(name))
  const raw = new Map<string, Uint8Array>()
  let pickle: Uint8Array | undefined
  for (const [name, content] of entries) {
    const path = name.slice(name.indexOf('/') + 1)
    if (path === 'data.pkl') pickle = content
    else if (path.startsWith('data/')) raw.set(path.slice(5), content)
    else if (new TextDecoder().decode(content) !== 'little') throw new Error('big-endian')
  }
  if (pickle === undefined)
    throw new UserError(`${source}: a zip archive, but not one of PyTorch (no data.pkl)`)
  return { root: makeParser(new Map()).read(new Reader(pickle)), raw }
}

function loadLegacy(bytes: Uint8Array): Contents {
  const reader = new Reader(bytes)
  reader.skip(LEGACY_MAGIC.length)
  const storages = new Map<string, StorageRef>()
  const parser = makeParser(storages)
  if (parser.read(reader) !== LEGACY_PROTOCOL) throw new Error('unknown protocol')
  const system: unknown = parser.read(reader)
  if (!(system instanceof Map) || system.get('little_endian') !== true) throw new Error('big-endian')
  const root: unknown = parser.read(reader)
  const keys: unknown = parser.read(reader)
  if (!Array.isArray(keys)) throw new Error('no list of storages')
  const raw = new Map<string, Uint8Array>()
  for (const key of keys.map(String)) {
    const storage = storages.get(key)
    const count = reader.int64()
    if (storage?.length !== count)
      throw new Error(`storage ${JSON.stringify(key)} has another length than its tensors say`)
    raw.set(key, reader.bytes(count * STORAGES[storage.type]!.bytes) as Uint8Array)
  }
  return { root, raw }
}

/** As the library's, but a negative length in a damaged file cannot lead it backwards, and so round and round. */
class Reader extends BufferReader {
  override skip(count: number): void {
    if (count < 0) throw new Error('negative length')
    super.skip(count)
  }

  /** Rounded beyond 2^53. */
  int64(): number {
    const { buffer, byteOffset } = this.bytes(8)
    return Number(new DataView(buffer, byteOffset).getBigInt64(0, true))
  }
}

/** @param storages receives the storages that the pickle refers to, by key */
function makeParser(storages: Map<string, StorageRef>): Parser {
  return new Parser({
    unpicklingTypeOfDictionary: 'Map',
    nameResolver: { resolve: resolveName },
    persistentResolver: {
      resolve: (id: unknown) => {
        const storage = toStorage(id)
        storages.set(storage.key, storage)
        return storage
      },
    },
  })
}

function resolveName(module: string, name: string): (...args: unknown[]) => unknown {
  switch (`${module}.${name}`) {
    case 'torch._utils._rebuild_tensor_v2':
      return toTensorRef
    case 'torch._utils._rebuild_parameter':
      return (tensor) => tensor
    case 'collections.OrderedDict':
      return () => new Map()
    default:
      return namedPlaceholder(name)
  }
}

/** Stands for a class or function that is not needed. Its name serves if it is a storage class. */
function namedPlaceholder(name: string): (...args: unknown[]) => unknown {
  const placeholder = function (): Record<string, unknown> {
    return {}
  }
  return Object.defineProperty(placeholder, 'name', { value: name })
}

/** `('storage', class, key, location, length)`, and in the older format the view of another storage that it is, or None. */
function toStorage(id: unknown): StorageRef {
  const [kind, type, key, , length, view] = id as unknown[]
  if (kind !== 'storage' || typeof type !== 'function' || !isCount(length))
    throw new Error('unknown persistent id')
  if (!Object.hasOwn(STORAGES, type.name))
    throw new Error(`unknown storage type ${JSON.stringify(type.name)}`)
  if (view !== undefined && view !== null) throw new Error('storages that view others are not read')
  return new StorageRef(type.name, String(key), length)
}

function toTensorRef(...[storage, offset, shape, stride]: unknown[]): TensorRef {
  const counts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount)
  if (!(storage instanceof StorageRef) || !isCount(offset) || !counts(shape) || !counts(stride)) {
    throw new Error('tensor not understood')
  }
  if (shape.length !== stride.length) throw new Error('tensor not understood')
  return new TensorRef(storage, offset, shape, stride)
}

function toFloats(ref: StorageRef, raw: Uint8Array | undefined, source: string): Float32Array {
  const { bytes, dtype } = STORAGES[ref.type]!
  if (dtype === undefined)
    throw new UserError(`${source}: parameters of ${ref.type} are not read; save them as float32`)
  if (raw?.length !== ref.length * bytes) {
    throw new UserError(
      `${source}: storage ${JSON.stringify(ref.key)} is missing or incomplete; the file is damaged`,
    )
  }
  return toFloat32(raw, dtype, true)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
