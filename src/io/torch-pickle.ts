import { quoted, UserError } from '../errors.js'
import { toFloat32, type DType } from './dtype.js'
import { ByteReader, Callable, readPickle, type PickleHost } from './pickle.js'
import { isZip, unpack, zipEntries, type ZipEntry } from './zip.js'

/** PyTorch's storage classes: type and size of their elements. */
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
/** The pickle of 0x1950a86a20f9469cfc6c: every file of the older format starts with it. */
const LEGACY_MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
const LEGACY_PROTOCOL = 1001
/** Names in checkpoints that their tensors do not need: the values are ignored. */
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
  /** The saved object: dictionaries as `Map`, lists and tuples as arrays, tensors as `TensorRef`. */
  root: unknown
  /** @throws UserError if the storage is missing or does not hold floats */
  readonly storage: (ref: StorageRef) => Float32Array
}

export function isLegacyTorch(bytes: Uint8Array): boolean {
  return LEGACY_MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads a file of `torch.save`: a zip archive since PyTorch 1.6; before, five pickles in a row (magic number, protocol
 * version, system, object, storage keys) and the raw storages. See `torch/serialization.py`.
 *
 * No code that the file names runs, and a file that names anything a checkpoint does not need is refused.
 * @param source the file's name, for messages
 * @throws UserError if the file is truncated, damaged or not from `torch.save`
 */
export function loadTorch(bytes: Uint8Array, source: string): TorchFile {
  if (!isZip(bytes) && !isLegacyTorch(bytes)) {
    throw new UserError(`${source}: neither a PyTorch file nor a safetensors file`)
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
  /** The bytes of a storage; undefined if they are missing or have the wrong length. */
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
    // Check the size first: an archive may claim a thousand times its own.
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
        `${source}: names ${quoted(`${module}.${name}`)}, which weights do not need and which may do harm in Python; none of it was run. Get the file from a source that you trust, saved as a state dictionary or as safetensors`,
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
  // Any storage class is accepted here; if its type is unknown, a later message names it.
  if (INERT.test(path) || /^torch\.\w{1,40}Storage$/.test(path)) return new Callable(name, () => undefined)
  return undefined
}

/** `('storage', class, key, location, length)`; the older format adds the storage that it is a view of, or None. */
function toStorage(id: unknown): StorageRef {
  if (!Array.isArray(id)) throw new Error('unknown persistent id')
  const [kind, type, key, , length, view] = id as unknown[]
  if (kind !== 'storage' || !(type instanceof Callable) || !isCount(length))
    throw new Error('unknown persistent id')
  if (!Object.hasOwn(STORAGES, type.name)) throw new Error(`unknown storage type ${quoted(type.name)}`)
  if (view !== undefined && view !== null)
    throw new Error('storages that are views of others are not supported')
  return new StorageRef(type.name, toKey(key), length)
}

/** Not `String(key)`: nested lists that repeat each other would make a string of exponential length. */
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
    throw new UserError(`${source}: parameters of ${ref.type} are not supported; save them as float32`)
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
