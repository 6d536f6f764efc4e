/** An element of a hand-made pickle, protocol 2: the opcodes that `torch.save` of PyTorch 1.1 uses. */
type Pickled = Uint8Array

const bytes = (...parts: (number | string | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part as string)])),
  )

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

export const text = (value: string): Pickled => bytes('X', u32(Buffer.byteLength(value)), value)
export const int = (value: number): Pickled => bytes('J', u32(value))
export const none: Pickled = bytes('N')
const bool = (value: boolean): Pickled => bytes(value ? 0x88 : 0x89)
export const tuple = (...items: Pickled[]): Pickled => bytes('(', ...items, 't')
export const list = (...items: Pickled[]): Pickled => bytes(']', '(', ...items, 'e')
export const name = (module: string, attribute: string): Pickled => bytes(`c${module}\n${attribute}\n`)
export const call = (callee: Pickled, ...args: Pickled[]): Pickled => bytes(callee, tuple(...args), 'R')
export const dict = (entries: Record<string, Pickled>): Pickled =>
  bytes('}', '(', ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), 'u')
export const orderedDict = (entries: Record<string, Pickled>): Pickled =>
  bytes(
    call(name('collections', 'OrderedDict')),
    '(',
    ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]),
    'u',
    // As in a state dictionary: attributes set on the dictionary itself.
    dict({ _metadata: dict({}) }),
    'b',
  )

interface TensorSpec {
  key: string
  shape: number[]
  /** Default: that of C order. */
  stride?: number[]
  offset?: number
  storage?: string
  length: number
  /** Default None: the storage is its own. */
  view?: Pickled
  /** The newer format's persistent ids have no view. */
  zip?: boolean
}

export function tensor({
  key,
  shape,
  offset = 0,
  storage = 'FloatStorage',
  length,
  ...spec
}: TensorSpec): Pickled {
  const stride = spec.stride ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const id = [text('storage'), name('torch', storage), text(key), text('cpu'), int(length)]
  return call(
    name('torch._utils', '_rebuild_tensor_v2'),
    bytes(tuple(...id, ...(spec.zip ? [] : [spec.view ?? none])), 'Q'),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...stride.map(int)),
    bool(false),
    call(name('collections', 'OrderedDict')),
  )
}

export const pickle = (value: Pickled): Uint8Array => bytes(0x80, 2, value, '.')

interface LegacyFile {
  root: Pickled
  storages: { key: string; count?: number; data: ArrayBufferView }[]
  /** Default: those of the storages. */
  keys?: Pickled
  protocol?: number
  littleEndian?: boolean
}

/** A file of the format before PyTorch 1.6. */
export function legacyFile({
  root,
  storages,
  keys = list(...storages.map(({ key }) => text(key))),
  protocol = 1001,
  littleEndian = true,
}: LegacyFile): Uint8Array {
  const magic = bytes(0x8a, 10, Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19))
  const raw = storages.flatMap(({ count, data }) => {
    const elements = count ?? (data as Float32Array).length
    return [
      new Uint8Array(BigInt64Array.of(BigInt(elements)).buffer),
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    ]
  })
  return bytes(
    pickle(magic),
    pickle(int(protocol)),
    pickle(dict({ protocol_version: int(protocol), little_endian: bool(littleEndian) })),
    pickle(root),
    pickle(keys),
    ...raw,
  )
}
