import { describe, expect, it } from 'vitest'
import { readSafetensors, writeSafetensors, type Tensor } from '../../src/io/safetensors.js'
import { countDamageRefused, expectEveryCutRefused, userError } from './support.js'

/** A file with the given header, whether or not it is right. */
function file(header: unknown, data: readonly number[] | Uint8Array = []): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setUint32(0, json.length, true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

const every = new Map<string, Tensor>([
  ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
  ['floats', { dtype: 'F32', shape: [2, 1, 2], data: Float32Array.of(1.5, -0, NaN, Infinity) }],
  ['doubles', { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) }],
  ['ints', { dtype: 'I32', shape: [2], data: Int32Array.of(-7, 2 ** 31 - 1) }],
  ['longs', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }],
  ['scalar', { dtype: 'F32', shape: [], data: Float32Array.of(4) }],
  ['nothing', { dtype: 'F32', shape: [0, 5], data: new Float32Array(0) }],
  ['__proto__', { dtype: 'U8', shape: [1], data: Uint8Array.of(9) }],
])

describe('safetensors', () => {
  it('gives back every type, shape, name and the metadata', () => {
    const metadata = { step: '12', note: 'Zürich "quoted"' }
    const back = readSafetensors(writeSafetensors(every, metadata))
    expect(new Map([...back.tensors].sort())).toEqual(new Map([...every].sort()))
    expect(back.metadata).toEqual(metadata)
  })

  it('lays out the header, its padding and each tensor aligned', () => {
    const bytes = writeSafetensors(every)
    const length = new DataView(bytes.buffer).getUint32(0, true)
    expect(length % 8).toBe(0)
    const text = Buffer.from(bytes.subarray(8, 8 + length)).toString()
    expect(text).toMatch(/^\{.*\} *$/)
    const header = JSON.parse(text) as Record<string, { data_offsets: [number, number] }>
    for (const [name, tensor] of every) {
      const begin = Object.entries(header).find(([key]) => key === name)![1].data_offsets[0]
      expect((8 + length + begin) % tensor.data.BYTES_PER_ELEMENT).toBe(0)
    }
  })

  it('reads F16 and BF16 as F32', () => {
    const data = [0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x20, 0xc0]
    const { tensors } = readSafetensors(
      file(
        {
          h: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
          b: { dtype: 'BF16', shape: [2], data_offsets: [4, 8] },
        },
        data,
      ),
    )
    expect(tensors.get('h')).toEqual({ dtype: 'F32', shape: [2], data: Float32Array.of(1, -2) })
    expect(tensors.get('b')).toEqual({ dtype: 'F32', shape: [2], data: Float32Array.of(1, -2.5) })
  })

  it('reads from any alignment, and from Buffers, without sharing memory', () => {
    const bytes = writeSafetensors(every)
    for (let shift = 0; shift < 8; shift++) {
      const shifted = Buffer.alloc(bytes.length + shift)
      shifted.set(bytes, shift)
      const { tensors } = readSafetensors(shifted.subarray(shift))
      shifted.fill(0)
      expect(tensors.get('doubles')).toEqual(every.get('doubles'))
      expect(tensors.get('doubles')!.data.buffer.byteLength).toBe(8)
    }
  })

  it('reads and writes a file without tensors', () => {
    expect(readSafetensors(writeSafetensors(new Map())).tensors.size).toBe(0)
    expect(readSafetensors(file('{}')).tensors.size).toBe(0)
  })

  const four = [0, 0, 0, 0]
  it.each<[string, unknown, number[], RegExp]>([
    ['no JSON', '{"a": ', [], /not a JSON object/],
    ['an array', [], [], /not a JSON object/],
    ['no description', { a: 3 }, [], /"a" is not described/],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, four, /described as a tensor/],
    [
      'a negative size',
      { a: { dtype: 'F32', shape: [-1, -1], data_offsets: [0, 4] } },
      four,
      /described as a tensor/,
    ],
    [
      'a broken size',
      { a: { dtype: 'F32', shape: [0.5], data_offsets: [0, 2] } },
      four,
      /described as a tensor/,
    ],
    [
      'an unknown type',
      { a: { dtype: 'F8_E4M3', shape: [4], data_offsets: [0, 4] } },
      four,
      /"F8_E4M3", not F32, F64/,
    ],
    [
      'a type of Object',
      { a: { dtype: 'toString', shape: [4], data_offsets: [0, 4] } },
      four,
      /type "toString"/,
    ],
    [
      'a shape that does not fit',
      { a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } },
      four,
      /claims 4 bytes/,
    ],
    ['offsets reversed', { a: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } }, four, /claims -4 bytes/],
    [
      'offsets beyond the end',
      { a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } },
      four,
      /need 8 bytes but 4/,
    ],
    ['a huge shape', { a: { dtype: 'F32', shape: [1e9, 1e9], data_offsets: [0, 4e15] } }, four, /claims/],
    ['a gap', { a: { dtype: 'U8', shape: [1], data_offsets: [3, 4] } }, four, /starts at byte 3/],
    ['bytes to spare', { a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] } }, four, /need 3 bytes but 4/],
    [
      'an overlap',
      {
        a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
        b: { dtype: 'U8', shape: [2], data_offsets: [2, 4] },
      },
      four,
      /"b" starts at byte 2/,
    ],
    ['metadata that is no text', { __metadata__: { a: 1 } }, [], /not a table of strings/],
  ])('refuses %s', (_, header, data, message) => {
    expect(userError(() => readSafetensors(file(header, data), 'w.safetensors'))).toMatch(message)
  })

  it('refuses a header longer than the file, before allocating it', () => {
    const bytes = file('{}')
    new DataView(bytes.buffer).setUint32(4, 0x7fffffff, true)
    expect(userError(() => readSafetensors(bytes, 'w'))).toMatch(/^w: its header claims/)
  })

  it('refuses every cut, and survives every damaged byte', () => {
    const bytes = writeSafetensors(every, { a: 'b' })
    expectEveryCutRefused(bytes, (cut) => readSafetensors(cut))
    expect(countDamageRefused(bytes, (damaged) => readSafetensors(damaged))).toBeGreaterThan(500)
  })

  it('refuses to write what it could not read', () => {
    const one: Tensor = { dtype: 'F32', shape: [3], data: new Float32Array(2) }
    expect(userError(() => writeSafetensors(new Map([['w', one]])))).toContain('tensor w of shape [3]')
    expect(userError(() => writeSafetensors(new Map([['__metadata__', every.get('bytes')!]])))).toContain(
      '__metadata__',
    )
    // As a program in JavaScript may call it.
    for (const value of [3, null, undefined, { best: 'yes' }])
      expect(
        userError(() =>
          writeSafetensors(new Map(), { run: 'a', epoch: value } as unknown as Record<string, string>),
        ),
      ).toContain('metadata "epoch" is of type')
  })
})
