import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/io/safetensors.js'
import { readTorchCheckpoint } from '../../src/io/torch-checkpoint.js'
import {
  call,
  dict,
  int,
  legacyFile,
  list,
  name,
  none,
  orderedDict,
  pickle,
  tensor,
  text,
  tuple,
} from './make-torch.js'
import { countDamageRefused, expectEveryCutRefused, userError } from './support.js'

const first = Float32Array.of(1.5, -2, 3, NaN)
const second = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7)
const third = Float64Array.of(0.1, -7)
const steps = BigInt64Array.of(3n, 4n)

const encoder = {
  'module.block0.conv1.weight': tensor({ key: 'a', shape: [2, 1, 2], length: 4 }),
  'module.conv.bias': tensor({ key: 'b', shape: [3, 2], stride: [1, 3], offset: 1, length: 8 }),
}
const root = dict({
  u1: orderedDict(encoder),
  u2: orderedDict({
    'module.0.weight': call(
      name('torch._utils', '_rebuild_parameter'),
      tensor({ key: 'c', shape: [1, 2], storage: 'DoubleStorage', length: 2 }),
      none,
      none,
    ),
    'module.0.bias': tensor({ key: 'b', shape: [1], offset: 7, length: 8 }),
  }),
  optimizer: dict({
    state: list(tensor({ key: 'd', shape: [2], storage: 'LongStorage', length: 2 })),
    lr: call(name('numpy.core.multiarray', 'scalar'), text('f8')),
  }),
})
const storages = [
  { key: 'c', data: third },
  { key: 'a', data: first },
  { key: 'd', data: steps },
  { key: 'b', data: second },
]
const legacy = legacyFile({ root, storages })
const expected = new Map([
  ['encoder.block0.weight', { dtype: 'F32', shape: [2, 1, 2], data: first }],
  ['encoder.conv.bias', { dtype: 'F32', shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) }],
  ['decoder.weight', { dtype: 'F32', shape: [1, 2], data: Float32Array.of(0.1, -7) }],
  ['decoder.bias', { dtype: 'F32', shape: [1], data: Float32Array.of(7) }],
])

/** A legacy file that holds only this tensor, of storage `a`. */
function only(value: Uint8Array, data: Float32Array = first): Uint8Array {
  return legacyFile({ root: dict({ u1: dict({ 'conv.weight': value }) }), storages: [{ key: 'a', data }] })
}

describe('readTorchCheckpoint', () => {
  it('reads the format before PyTorch 1.6 under our names, leaves the rest and executes nothing', () => {
    expect(readTorchCheckpoint(legacy)).toEqual(expected)
    expect(readTorchCheckpoint(Buffer.from(legacy))).toEqual(expected)
  })

  it('reads the zip format', () => {
    const state = dict({
      u1: dict({ 'conv.weight': tensor({ key: '0', shape: [4], length: 4, zip: true }) }),
    })
    const file = (extra: Record<string, Uint8Array>) =>
      zipSync(
        { 'x/data.pkl': pickle(state), 'x/data/0': new Uint8Array(first.buffer), ...extra },
        { level: 0 },
      )
    const want = new Map([['encoder.conv.weight', { dtype: 'F32', shape: [4], data: first }]])
    expect(readTorchCheckpoint(file({}))).toEqual(want)
    expect(
      readTorchCheckpoint(file({ 'x/byteorder': Buffer.from('little'), 'x/version': Buffer.from('3\n') })),
    ).toEqual(want)
    expect(
      userError(() => readTorchCheckpoint(file({ 'x/byteorder': Buffer.from('big') }), 'z.pt')),
    ).toContain('big-endian')
    expect(
      userError(() => readTorchCheckpoint(zipSync({ 'vol_data.npy': new Uint8Array(first.buffer) }), 'z')),
    ).toContain('data.pkl')
    const missing = zipSync({ 'x/data.pkl': pickle(state) })
    expect(userError(() => readTorchCheckpoint(missing, 'z.pt'))).toContain('storage "0" is missing')
    expectEveryCutRefused(file({}), (cut) => readTorchCheckpoint(cut))
    expect(countDamageRefused(file({}), (damaged) => readTorchCheckpoint(damaged))).toBeGreaterThan(200)
  })

  it('refuses every cut, and survives every damaged byte', () => {
    expectEveryCutRefused(legacy, (cut) => readTorchCheckpoint(cut))
    expect(countDamageRefused(legacy, (damaged) => readTorchCheckpoint(damaged))).toBeGreaterThan(500)
  })

  it('reads a scalar, an empty tensor and float16', () => {
    const read = (bytes: Uint8Array) => readTorchCheckpoint(bytes).get('encoder.conv.weight')
    expect(read(only(tensor({ key: 'a', shape: [], offset: 2, length: 4 })))).toMatchObject({
      shape: [],
      data: Float32Array.of(3),
    })
    expect(read(only(tensor({ key: 'a', shape: [0, 3], length: 4 })))!.data).toEqual(new Float32Array(0))
    const halves = Uint16Array.of(0x3c00, 0xc000)
    const half = tensor({ key: 'a', shape: [2], storage: 'HalfStorage', length: 2 })
    const bytes = legacyFile({
      root: dict({ u1: dict({ 'conv.weight': half }) }),
      storages: [{ key: 'a', data: halves }],
    })
    expect(read(bytes)!.data).toEqual(Float32Array.of(1, -2))
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['a tensor beyond its storage', only(tensor({ key: 'a', shape: [5], length: 4 })), /beyond its storage/],
    [
      'an offset beyond it',
      only(tensor({ key: 'a', shape: [2], offset: 3, length: 4 })),
      /beyond its storage/,
    ],
    [
      'a stride beyond it',
      only(tensor({ key: 'a', shape: [2], stride: [4], length: 4 })),
      /beyond its storage/,
    ],
    [
      'a huge tensor over one element',
      only(tensor({ key: 'a', shape: [1e9], stride: [0], length: 4 })),
      /beyond its storage/,
    ],
    [
      'a negative offset',
      only(tensor({ key: 'a', shape: [2], offset: -1, length: 4 })),
      /tensor not understood/,
    ],
    [
      'strides too few',
      only(tensor({ key: 'a', shape: [2, 2], stride: [1], length: 4 })),
      /tensor not understood/,
    ],
    ['another length of storage', only(tensor({ key: 'a', shape: [2], length: 5 })), /another length/],
    [
      'a view of a storage',
      only(tensor({ key: 'a', shape: [2], length: 4, view: tuple(text('r'), int(0), int(4)) })),
      /views of others/,
    ],
    [
      'complex numbers',
      only(tensor({ key: 'a', shape: [2], storage: 'ComplexFloatStorage', length: 4 })),
      /ComplexFloatStorage/,
    ],
    [
      'a class of Object',
      only(tensor({ key: 'a', shape: [2], storage: 'constructor', length: 4 })),
      /"torch\.constructor"/,
    ],
    [
      'whole numbers as parameters',
      legacyFile({
        root: dict({
          u1: dict({ 'conv.weight': tensor({ key: 'a', shape: [1], storage: 'IntStorage', length: 1 }) }),
        }),
        storages: [{ key: 'a', data: Int32Array.of(1) }],
      }),
      /IntStorage are not supported/,
    ],
    [
      'a parameter that is no tensor',
      legacyFile({ root: dict({ u1: dict({ 'conv.weight': int(1) }) }), storages: [] }),
      /u1 holds "conv\.weight"/,
    ],
    [
      'an unknown parameter',
      legacyFile({ root: dict({ u1: dict({ 'fc.weight': int(1) }) }), storages: [] }),
      /u1 holds "fc\.weight"/,
    ],
    [
      'no networks',
      legacyFile({ root: dict({ model: dict({}) }), storages: [] }),
      /without the SAE networks/,
    ],
    ['no dictionary', legacyFile({ root: list(int(1)), storages: [] }), /without the SAE networks/],
    ['another protocol', legacyFile({ root, storages, protocol: 1002 }), /unknown protocol/],
    ['big-endian', legacyFile({ root, storages, littleEndian: false }), /big-endian/],
    [
      'a huge storage',
      legacyFile({ root, storages: [{ key: 'c', count: 2 ** 50, data: third }] }),
      /another length/,
    ],
    [
      'a storage that no tensor has',
      legacyFile({ root, storages: [{ key: 'zz', data: third }] }),
      /storage "zz"/,
    ],
    // Bytes of length -5, if it had a sign: a reader that obeys finds itself before this opcode again, for ever.
    [
      'a negative length',
      legacyFile({ root: Uint8Array.of(0x42, 0xfb, 0xff, 0xff, 0xff), storages: [] }),
      /unexpected end/,
    ],
    ['another file', Buffer.from('{"a": 1}'), /neither a PyTorch file/],
    ['nothing', new Uint8Array(0), /neither a PyTorch file/],
  ])('refuses %s', (_, bytes, message) => {
    expect(userError(() => readTorchCheckpoint(bytes, 'w.pth'))).toMatch(message)
  })
})

describe("the authors' weights", () => {
  const folder = join(process.env.SAE_DATA ?? '../shared/data', 'weights')
  const present = existsSync(folder)
  if (!present) console.warn(`SKIPPED: no real weights in ${folder} (set SAE_DATA)`)

  it.skipIf(!present).each([
    ['pretrained_encoder', 20],
    ['trained_mrf_model', 22],
  ])('%s is equal to its safetensors bit for bit', (file, count) => {
    const read = (extension: string) => readFileSync(join(folder, file + extension))
    const ours = readTorchCheckpoint(read('.pth.tar'), file)
    const { tensors } = readSafetensors(read('.safetensors'), file)
    expect(tensors.size).toBe(count)
    expect([...ours.keys()].sort()).toEqual([...tensors.keys()].sort())
    for (const [name, { shape, data }] of tensors) {
      const mine = ours.get(name)!
      expect(mine.shape).toEqual(shape)
      expect(Buffer.compare(Buffer.from(mine.data.buffer), Buffer.from(data.buffer)), name).toBe(0)
    }
  })
})
