import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { readNpy, writeNpy } from '../../src/io/npy.js'
import { readNpz, writeNpz } from '../../src/io/npz.js'
import { countDamageRefused, expectEveryCutRefused, makeVolume, userError } from './support.js'

interface Options {
  descr?: string
  fortran?: boolean
  shape?: string
  version?: number
}

/** An `.npy` file as NumPy would write it, from the bytes of its elements. */
function npy(
  data: Uint8Array,
  { descr = '<f4', fortran = false, shape = '(2, 2, 3)', version = 1 }: Options,
): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }   \n`
  const length =
    version === 1
      ? [header.length & 255, header.length >> 8]
      : [header.length & 255, header.length >> 8, 0, 0]
  return Uint8Array.from([
    0x93,
    ...Buffer.from('NUMPY'),
    version,
    0,
    ...length,
    ...Buffer.from(header),
    ...data,
  ])
}

type Setter =
  | 'Uint8'
  | 'Int8'
  | 'Uint16'
  | 'Int16'
  | 'Uint32'
  | 'Int32'
  | 'Float32'
  | 'Float64'
  | 'BigInt64'
  | 'BigUint64'

function elements(type: Setter, littleEndian: boolean, values: number[]): Uint8Array {
  const size = Number(/\d+/.exec(type)) / 8
  const view = new DataView(new ArrayBuffer(size * values.length))
  values.forEach((value, i) => {
    if (type === 'BigInt64' || type === 'BigUint64') view[`set${type}`](i * size, BigInt(value), littleEndian)
    else view[`set${type}`](i * size, value, littleEndian)
  })
  return new Uint8Array(view.buffer)
}

const whole = [0, 1, 2, 3, 4, 5, 6, 7, 100, 101, 102, 127]
const signed = whole.map((value, i) => (i % 2 ? -value : value))
const f4 = elements('Float32', true, signed)

describe('readNpy', () => {
  it.each<[string, Setter, number[]]>([
    ['|u1', 'Uint8', whole],
    ['|i1', 'Int8', signed],
    ['|b1', 'Uint8', whole.map((x) => x % 2)],
    ['<u2', 'Uint16', whole],
    ['>u2', 'Uint16', whole],
    ['<i2', 'Int16', signed],
    ['>i2', 'Int16', signed],
    ['<u4', 'Uint32', [...whole.slice(1), 2 ** 32 - 2 ** 9]],
    ['>i4', 'Int32', signed],
    ['<i8', 'BigInt64', [...signed.slice(1), -(2 ** 40)]],
    ['>i8', 'BigInt64', [...signed.slice(1), 2 ** 40]],
    ['<u8', 'BigUint64', [...whole.slice(1), 2 ** 63]],
    ['<f4', 'Float32', [...signed.slice(1), NaN]],
    ['>f4', 'Float32', signed],
    ['=f8', 'Float64', signed],
    ['>f8', 'Float64', [...signed.slice(1), -Infinity]],
  ])('reads %s', (descr, type, values) => {
    const volume = readNpy(npy(elements(type, !descr.startsWith('>'), values), { descr }), 'a.npy')
    expect([...volume.data]).toEqual(values)
    expect(volume).toMatchObject({ channels: 1, source: 'a.npy', grid: { shape: [2, 2, 3], known: false } })
  })

  it('reads float16: normal, subnormal, infinite, not a number', () => {
    const bits = [
      0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7e00, 0x3555,
    ]
    const want = [
      0,
      -0,
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      -1023 * 2 ** -24,
      Infinity,
      -Infinity,
      NaN,
      0.333251953125,
    ]
    for (const little of [true, false]) {
      const data = elements('Uint16', little, bits)
      expect([...readNpy(npy(data, { descr: little ? '<f2' : '>f2' }), 'a').data]).toEqual(want)
    }
  })

  it.each([
    ['(2, 2, 3)', 1, [2, 2, 3]],
    ['(1, 2, 2, 3)', 1, [2, 2, 3]],
    ['(1, 1, 2, 2, 3)', 1, [2, 2, 3]],
    ['(2, 1, 2, 3)', 2, [1, 2, 3]],
    ['(1, 2, 1, 6, 1)', 2, [1, 6, 1]],
    ['(2L, 2L, 3L)', 1, [2, 2, 3]],
  ])('reads the shape %s', (shape, channels, spatial) => {
    expect(readNpy(npy(f4, { shape }), 'a')).toMatchObject({ channels, grid: { shape: spatial } })
  })

  it.each([1, 2, 3])('reads version %i of the format', (version) => {
    expect([...readNpy(npy(f4, { version }), 'a').data]).toEqual(signed)
  })

  it.each([
    [1, 1, 1, 1],
    [1, 3, 5, 7],
    [3, 2, 4, 5],
    [2, 17, 3, 33],
  ])('reads Fortran order, %i channels of %ix%ix%i', (c, d, h, w) => {
    const volume = makeVolume(c, [d, h, w])
    const fortran = new Float32Array(volume.data.length)
    volume.data.forEach((value, flat) => {
      const [iw, ih, id, ic] = [
        flat % w,
        Math.floor(flat / w) % h,
        Math.floor(flat / (w * h)) % d,
        Math.floor(flat / (w * h * d)),
      ]
      fortran[ic + c * (id + d * (ih + h * iw))] = value
    })
    const bytes = npy(new Uint8Array(fortran.buffer), { fortran: true, shape: `(${c}, ${d}, ${h}, ${w})` })
    expect(readNpy(bytes, 'a').data).toEqual(volume.data)
  })

  it.each([
    ['(12,)', /12;/],
    ['(3, 4)', /3x4;/],
    ['()', /single number/],
    ['(2, 1, 1, 2, 3)', /2x1x1x2x3;/],
    ['(0, 2, 3)', /empty/],
    ['(2, 2, 4)', /64 bytes, but 48/],
    ['(2, 2, 2)', /32 bytes, but 48/],
    ['(100000, 100000, 100000)', /bytes, but 48/],
    ['(99999999999999999999, 99999999999999999999, 99999999999999999999)', /bytes, but 48/],
    ['(-2, 2, 3)', /not understood/],
    ["('a', 2, 3)", /not understood/],
  ])('refuses the shape %s', (shape, message) => {
    expect(userError(() => readNpy(npy(f4, { shape }), 'bad.npy'))).toMatch(message)
  })

  it.each(['|O', '<c8', '<U3', '<f16', 'nonsense'])('refuses elements of type %s', (descr) => {
    expect(userError(() => readNpy(npy(f4, { descr }), 'bad.npy'))).toContain(
      `bad.npy: elements of type "${descr}"`,
    )
  })

  it('refuses records, other files and later versions', () => {
    const record = Buffer.from(npy(f4, { descr: 'XX' }))
      .toString('latin1')
      .replace("'XX'", "[('a', '<f4')]")
    const length = record.indexOf('\n') - 9
    const bytes = Uint8Array.from(Buffer.from(record, 'latin1'))
    bytes[8] = length
    expect(userError(() => readNpy(bytes, 'a'))).toContain('of records')
    expect(userError(() => readNpy(npy(f4, { version: 4 }), 'a'))).toContain('version 4')
    expect(userError(() => readNpy(new Uint8Array(100), 'a'))).toContain('not a NumPy array')
  })

  it('does not share memory with, nor care for the alignment of, what it is given', () => {
    const bytes = npy(f4, {})
    for (const shift of [0, 1, 2, 3]) {
      const shifted = Buffer.alloc(bytes.length + shift)
      shifted.set(bytes, shift)
      const { data } = readNpy(shifted.subarray(shift), 'a')
      shifted.fill(0)
      expect([...data]).toEqual(signed)
    }
  })

  it('refuses every cut, and survives every damaged byte', () => {
    expectEveryCutRefused(npy(f4, {}), (bytes) => readNpy(bytes, 'a'))
    expect(countDamageRefused(npy(f4, {}), (bytes) => readNpy(bytes, 'a'))).toBeGreaterThan(100)
  })
})

describe('writeNpy', () => {
  it.each([Uint8Array, Int16Array, Int32Array, Float32Array, Float64Array])(
    'writes what readNpy reads: %o',
    (type) => {
      const data = new type(whole)
      const bytes = writeNpy({ shape: [1, 4, 3], data })
      expect((bytes.length - data.byteLength) % 64).toBe(0)
      expect([...readNpy(bytes, 'a').data]).toEqual(whole)
    },
  )

  it('writes the header byte for byte as NumPy does', () => {
    const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3), }"
    const header = Buffer.from(writeNpy({ shape: [2, 2, 3], data: new Float32Array(12) }).subarray(0, 128))
    expect(header.toString('latin1')).toBe(`\x93NUMPY\x01\x00v\x00${text.padEnd(117)}\n`)
  })

  it('refuses a shape that does not fit', () => {
    expect(userError(() => writeNpy({ shape: [2, 2], data: new Float32Array(5) }))).toContain('5 elements')
  })
})

describe('npz', () => {
  const volume = makeVolume(2, [3, 1, 5])
  const shape = [2, 3, 1, 5]

  it('takes vol_data among others, or the only array whatever its name', () => {
    const other = { shape: [3], data: new Float64Array(3) }
    const both = readNpz(writeNpz({ a: other, vol_data: { shape, data: volume.data }, z: other }), 'a.npz')
    expect(both.data).toEqual(volume.data)
    expect(both).toMatchObject({ channels: 2, grid: { shape: [3, 1, 5], known: false }, source: 'a.npz' })
    expect(readNpz(writeNpz({ prior: { shape, data: volume.data } }), 'a.npz').data).toEqual(volume.data)
  })

  it('names the arrays if it cannot choose, and refuses an archive without any', () => {
    const array = { shape: [1, 1, 1], data: new Float32Array(1) }
    expect(userError(() => readNpz(writeNpz({ a: array, b: array }), 'two.npz'))).toMatch(
      /^two\.npz: .*\("a", "b"\)/,
    )
    expect(userError(() => readNpz(zipSync({ 'x.txt': new Uint8Array(3) }), 'no.npz'))).toContain('no array')
    expect(userError(() => readNpz(zipSync({}), 'no.npz'))).toContain('no array')
  })

  it('reads stored as well as deflated entries', () => {
    const entry = writeNpy({ shape, data: volume.data })
    expect(readNpz(zipSync({ 'vol_data.npy': entry }, { level: 0 }), 'a').data).toEqual(volume.data)
  })

  it('writes the same bytes for the same arrays', () => {
    expect(writeNpz({ a: { shape, data: volume.data } })).toEqual(
      writeNpz({ a: { shape, data: volume.data } }),
    )
  })

  it('refuses every cut, and survives every damaged byte', () => {
    const bytes = writeNpz({ vol_data: { shape, data: volume.data } })
    expectEveryCutRefused(bytes, (cut) => readNpz(cut, 'a'))
    expect(countDamageRefused(bytes, (damaged) => readNpz(damaged, 'a'))).toBeGreaterThan(100)
  })

  it('refuses an entry that claims to unpack to more than it can', () => {
    const bytes = writeNpz({ vol_data: { shape, data: volume.data } })
    const directory = Buffer.from(bytes).lastIndexOf('PK\x01\x02', undefined, 'latin1')
    new DataView(bytes.buffer).setUint32(directory + 24, 0xfffffff0, true)
    expect(userError(() => readNpz(bytes, 'bomb.npz'))).toContain('"vol_data.npy" claims 4294967280 bytes')
  })
})
