import { quoted, UserError } from '../errors.js'
import { toFloat32, type DType } from './dtype.js'
import { ByteReader, Callable, readPickle, type PickleHost } from './pickle.js'
import { isZip, unpack, zipEntries, type ZipEntry } from './zip.js'

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
/** Names that checkpoints hold beside their tensors: values of no interest here. */
const INERT =
  /^(torch\.(Size|device|(b?float|u?int|complex|q?u?int)\d+|bool)|numpy\.(dtype|ndarray)|numpy\._?core\.multiarray\.(scalar|_reconstruct)|_codecs\.encode|argparse\.Namespace|collections\.defaultdict)$/

/** PyTorch's own limit. */
const MAX_RANK = 64

/** A run of elements that tensors view. */
export class StorageRef {
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
  readonly storage: (ref: StorageRef) => Float32Array
}

export function isLegacyTorch(bytes: Uint8Array): boolean {
  return LEGACY_MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads what `torch.save` wrote: before PyTorch 1.6 five pickles in a row (magic number, protocol version, system,
 * object, storage keys) and the raw storages; since then a zip archive. See `torch/serialization.py`.
 *
 * Nothing named in the file is executed, and a file that names what no checkpoint needs is refused.
 * @param source the file's name, for messages
 * @throws UserError if the file is truncated or damaged, or is no such file
 */
export function loadTorch(bytes: Uint8Array, source: string): TorchFile {
  if (!isZip(bytes) && !isLegacyTorch(bytes)) {
    throw new UserError(`${source}: not a PyTorch file, nor a safetensors file`)
  }
  try {
    const { root, raw } = isZip(bytes) ? loadZip(bytes, source) : loadLegacy(bytes, source)
    return { root, storage: (ref) => toFloats(ref, raw(ref), source) }
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`${source}: PyTorch file truncated or damaged (${(error as Error).message})`)
  }
}

interface Contents {
  readonly root: unknown
  /** The bytes of a storage; undefined if they are not there or not as many as it needs. */
  readonly raw: (ref: StorageRef) => Uint8Array | undefined
}

function loadZip(bytes: Uint8Array, source: string): Contents {
  const entries = new Map<string, ZipEntry>()
  for (const [name, entry] of zipEntries(bytes, source)) {
    const [, path] = /^[^/]+\/(data\.pkl|byteorder|data\/[^/]+)$/.exec(name) ?? []
    if (path !== undefined) entries.set(path, entry)
  }
  const pickle = entries.get('data.pkl')
  if (pickle === undefined)
    throw new UserError(`${source}: a zip archive, but not one of PyTorch (no data.pkl)`)
  const order = entries.get('byteorder')
  if (order && new TextDecoder().decode(unpack(order)) !== 'little') throw new Error('big-endian')
  const root = readPickle(new ByteReader(unpack(pickle)), torchHost(new Map(), source))
  const raw = (ref: StorageRef): Uint8Array | undefined => {
    const entry = entries.get(`data/${ref.key}`)
    // Looked at first: an archive may claim a thousand times its size.
    return entry?.size === bytesOf(ref) ? unpack(entry) : undefined
  }
  return { root, raw }
}

function loadLegacy(bytes: Uint8Array, source: string): Contents {
  const reader = new ByteReader(bytes)
  reader.skip(LEGACY_MAGIC.length)
  const storages = new Map<string, StorageRef>()
  const read = (): unknown => readPickle(reader, torchHost(storages, source))
  if (read() !== LEGACY_PROTOCOL) throw new Error('unknown protocol')
  const system = read()
  if (!(system instanceof Map) || system.get('little_endian') !== true) throw new Error('big-endian')
  const root = read()
  const keys = read()
  if (!Array.isArray(keys)) throw new Error('no list of storages')
  const raw = new Map<string, Uint8Array>()
  for (const key of keys.map(toKey)) {
    const storage = storages.get(key)
    const count = reader.int64()
    if (storage?.length !== count)
      throw new Error(`storage ${quoted(key)} has another length than its tensors say`)
    raw.set(key, reader.bytes(bytesOf(storage)))
  }
  return { root, raw: ({ key }) => raw.get(key) }
}

/** @param storages receives the storages that the pickle refers to, by key */
function torchHost(storages: Map<string, StorageRef>, source: string): PickleHost {
  return {
    global: (module, name) => {
      const callable = callableOf(module, name)
      if (callable) return callable
      throw new UserError(
        `${source}: names ${quoted(`${module}.${name}`)}, which no weights need and which may do harm in Python; nothing of it was run. Take the file from a source that you trust, saved as a state dictionary or as safetensors`,
      )
    },
    persistent: (id) => {
      const storage = toStorage(id)
      storages.set(storage.key, storage)
      return storage
    },
  }
}

function callableOf(module: string, name: string): Callable | undefined {
  const path = `${module}.${name}`
  if (path === 'torch._utils._rebuild_tensor_v2') return new Callable(name, toTensorRef)
  if (path === 'torch._utils._rebuild_parameter') return new Callable(name, ([tensor]) => tensor)
  if (path === 'collections.OrderedDict') return new Callable(name, () => new Map())
  // Storage classes too, of which some are known: the message about the others names them.
  if (INERT.test(path) || /^torch\.\w{1,40}Storage$/.test(path)) return new Callable(name, () => undefined)
  return undefined
}

/** `('storage', class, key, location, length)`, and in the older format the view of another storage that it is, or None. */
function toStorage(id: unknown): StorageRef {
  if (!Array.isArray(id)) throw new Error('unknown persistent id')
  const [kind, type, key, , length, view] = id as unknown[]
  if (kind !== 'storage' || !(type instanceof Callable) || !isCount(length))
    throw new Error('unknown persistent id')
  if (!Object.hasOwn(STORAGES, type.name)) throw new Error(`unknown storage type ${quoted(type.name)}`)
  if (view !== undefined && view !== null) throw new Error('storages that view others are not read')
  return new StorageRef(type.name, toKey(key), length)
}

/** Not `String(key)`: of a list that holds another twice, and so on, that would not end. */
function toKey(key: unknown): string {
  if (typeof key !== 'string' && typeof key !== 'number') throw new Error('unknown key of a storage')
  return String(key)
}

function toTensorRef([storage, offset, shape, stride]: readonly unknown[]): TensorRef {
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount)
  if (!(storage instanceof StorageRef) || !isCount(offset) || !counts(shape) || !counts(stride)) {
    throw new Error('tensor not understood')
  }
  if (shape.length !== stride.length) throw new Error('tensor not understood')
  // Copies: the file may still append to its lists.
  return new TensorRef(storage, offset, [...shape], [...stride])
}

function toFloats(ref: StorageRef, raw: Uint8Array | undefined, source: string): Float32Array {
  const { dtype } = STORAGES[ref.type]!
  if (dtype === undefined)
    throw new UserError(`${source}: parameters of ${ref.type} are not read; save them as float32`)
  if (raw?.length !== bytesOf(ref)) {
    throw new UserError(`${source}: storage ${quoted(ref.key)} is missing or incomplete; the file is damaged`)
  }
  return toFloat32(raw, dtype, true)
}

function bytesOf({ type, length }: StorageRef): number {
  return length * STORAGES[type]!.bytes
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
