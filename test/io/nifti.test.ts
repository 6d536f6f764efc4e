import { describe, expect, it } from 'vitest'
import { gzip } from '../../src/io/gzip.js'
import { writeNifti } from '../../src/io/nifti-write.js'
import { readNifti } from '../../src/io/nifti.js'
import { voxelSize } from '../../src/io/volume.js'
import { makeNifti, type NiftiFields } from './make-nifti.js'
import { countDamageRefused, expectEveryCutRefused, userError } from './support.js'

/** Voxel (i, j, k) of channel c holds c * 60 + 20 i + 5 j + k over a 3x4x5 image: what C order must count up to. */
const counted = Array.from({ length: 60 }, (_, flat) => flat)
/** The same values as they lie in the file, i fastest. */
const fileOrder = counted.map(
  (flat) => (flat % 3) * 20 + (Math.floor(flat / 3) % 4) * 5 + Math.floor(flat / 12),
)
const shape = { dims: [3, 3, 4, 5], values: fileOrder }

const sform = [
  [0, -1.5, 0, 10],
  [1, 0, 0, -20],
  [0, 0, 2, 30],
  [0, 0, 0, 1],
]
const qform = [
  [-2, 0, 0, 90],
  [0, 3, 0, -126],
  [0, 0, -4, 72],
  [0, 0, 0, 1],
]
/** Half a turn about y: x and z reversed. */
const qfields: NiftiFields = {
  qformCode: 1,
  quaternion: [0, 1, 0],
  qoffset: [90, -126, 72],
  pixdim: [1, 2, 3, 4],
}

describe.each([1, 2] as const)('NIfTI-%i', (version) => {
  describe.each([true, false])('little-endian: %s', (littleEndian) => {
    const make = (fields: NiftiFields) => makeNifti({ version, littleEndian, ...fields })

    it.each([2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280])(
      'reads datatype %i, axes in C order',
      (datatype) => {
        const volume = readNifti(make({ ...shape, datatype }), 'a.nii')
        expect([...volume.data]).toEqual(counted)
        expect(volume).toMatchObject({ channels: 1, grid: { shape: [3, 4, 5] }, source: 'a.nii' })
      },
    )

    it.each([4, 8, 16, 64, 256, 1024])('reads negative values of datatype %i', (datatype) => {
      const values = fileOrder.map((value) => -value)
      expect([...readNifti(make({ ...shape, values, datatype }), 'a').data].map((x) => 0 - x)).toEqual(
        counted,
      )
    })

    it('reads channels from the fourth axis, or the fifth', () => {
      const values = [...fileOrder, ...fileOrder.map((value) => value + 60)]
      const want = [...counted, ...counted.map((value) => value + 60)]
      for (const dims of [
        [4, 3, 4, 5, 2],
        [5, 3, 4, 5, 1, 2],
        [7, 3, 4, 5, 2, 1, 1, 1],
      ]) {
        const volume = readNifti(make({ dims, values }), 'a')
        expect([...volume.data]).toEqual(want)
        expect(volume).toMatchObject({ channels: 2, grid: { shape: [3, 4, 5] } })
      }
      expect(readNifti(make({ dims: [4, 3, 4, 5, 1], values: fileOrder }), 'a').channels).toBe(1)
    })

    it.each([
      [2.5, -3, 2.5, -3],
      [0, 7, 1, 0],
      [NaN, 7, 1, 0],
      [Infinity, 7, 1, 0],
      [1, 4, 1, 4],
    ])('applies the slope %f and intercept %f', (slope, inter, a, b) => {
      const { data } = readNifti(make({ ...shape, slope, inter, datatype: 4 }), 'a')
      expect([...data]).toEqual(counted.map((value) => a * value + b))
    })

    it('prefers the sform, then the qform, then the voxel sizes', () => {
      const both = readNifti(make({ ...shape, ...qfields, sform, sformCode: 2 }), 'a').grid
      expect(both).toMatchObject({ affine: sform, known: true })
      expect(both.header).toMatchObject({ qformCode: 1, sformCode: 2, sform, qform, quaternion: [0, 1, 0] })
      // A qform with the higher code is no reason to prefer it.
      expect(
        readNifti(make({ ...shape, ...qfields, qformCode: 4, sform, sformCode: 1 }), 'a').grid.affine,
      ).toEqual(sform)
      expect(readNifti(make({ ...shape, ...qfields, sform }), 'a').grid).toMatchObject({
        affine: qform,
        known: true,
      })
      expect(readNifti(make({ ...shape, ...qfields, qformCode: 0, sform }), 'a').grid).toMatchObject({
        affine: [
          [2, 0, 0, 0],
          [0, 3, 0, 0],
          [0, 0, 4, 0],
          [0, 0, 0, 1],
        ],
        known: false,
      })
    })

    it('reverses the third axis of the qform if qfac is -1', () => {
      const { affine } = readNifti(make({ ...shape, ...qfields, pixdim: [-1, 2, 3, 4] }), 'a').grid
      expect(affine.map((row) => row[2]! + 0)).toEqual([0, 0, 4, 0])
    })

    it('refuses every cut', () => {
      expectEveryCutRefused(make({ ...shape, datatype: 2 }), (bytes) => readNifti(bytes, 'a'))
    })

    it('survives every damaged byte', () => {
      const bytes = make({ ...shape, ...qfields, sform, sformCode: 1, datatype: 2 })
      expect(countDamageRefused(bytes, (damaged) => readNifti(damaged, 'a'))).toBeGreaterThan(20)
    })

    it.each([
      [[3, 3, 4, 0], /make no sense/],
      [[3, 3, -4, 5], /make no sense/],
      [[0, 3, 4, 5], /make no sense/],
      [[8, 3, 4, 5], /make no sense/],
      [[-3, 3, 4, 5], /make no sense/],
      [[2, 12, 5], /12x5; it must have three axes/],
      [[5, 1, 3, 2, 2, 5], /1x3x2x2x5; it must have three axes/],
      [[7, 3, 4, 5, 1, 2, 1, 2], /3x4x5x1x2x1x2; it must have three axes/],
      [[3, 3, 4, 6], /3x4x6, 288 bytes, but 240 follow/],
      [[3, 32767, 32767, 32767], /32767x32767x32767; at most 1073741824 values/],
      [[4, 32767, 32767, 32767, 32767], /at most 1073741824 values/],
    ])('refuses the dimensions %j', (dims, message) => {
      const bytes = make({ dims, values: fileOrder })
      expect(userError(() => readNifti(bytes, 'a.nii'))).toMatch(message)
    })

    it.each([0, 1, 32, 128, 1536, 1792, 2304, -1])('refuses datatype %i', (datatype) => {
      expect(userError(() => readNifti(make({ ...shape, datatype, values: [] }), 'a'))).toContain(
        `datatype ${datatype} `,
      )
    })

    it('refuses an image kept apart, a broken intercept and an offset out of reach', () => {
      expect(userError(() => readNifti(make({ ...shape, pair: true }), 'a.nii'))).toContain('kept apart')
      expect(userError(() => readNifti(make({ ...shape, slope: 2, inter: NaN }), 'a'))).toContain('scl_inter')
      for (const voxOffset of [10_000, -16]) {
        expect(userError(() => readNifti(make({ ...shape, voxOffset }), 'a'))).toMatch(
          /but 0 follow|vox_offset/,
        )
      }
    })

    it('passes over extensions, honest or not, and mends an offset of 0', () => {
      for (const extension of [32, 16, 0, -16, 7, 2 ** 31 - 1]) {
        expect([...readNifti(make({ ...shape, extension }), 'a').data]).toEqual(counted)
      }
      expect([...readNifti(make({ ...shape, voxOffset: 0 }), 'a').data]).toEqual(counted)
    })
  })
})

const expectNear = (got: number[][], want: number[][]): void => {
  got.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(want.flat()[i]!, 5)
  })
}

describe('readNifti', () => {
  it('warns if sform and qform disagree, but not about rounding', () => {
    const near = qform.map((row, i) => row.map((value, j) => (i === 0 && j === 3 ? value + 0.005 : value)))
    const read = (matrix: number[][]) =>
      readNifti(makeNifti({ ...shape, ...qfields, sform: matrix, sformCode: 1 }), 'a.nii').warnings
    expect(read(qform)).toEqual([])
    expect(read(near)).toEqual([])
    expect(read(near.map((row, i) => (i === 0 ? [-2, 0, 0, 91] : row)))).toEqual([
      'a.nii: sform and qform place voxels up to 1.00 mm apart; the sform is used',
    ])
  })

  it.each([0, NaN])('passes over an sform of %f, with a warning', (value) => {
    const broken = sform.map((row) => row.map(() => value))
    const { grid, warnings } = readNifti(
      makeNifti({ ...shape, ...qfields, sform: broken, sformCode: 1 }),
      'a',
    )
    expect(grid).toMatchObject({ affine: qform, known: true })
    expect(warnings).toEqual(['a: the sform is in use but not invertible; ignored'])
  })

  it.each([0, NaN])('writes what it used instead of an sform of %f or a qform of NaN', (value) => {
    const broken = sform.map((row) => row.map(() => value))
    const fields = { ...shape, ...qfields, sformCode: 2 }
    const rewritten = (own: NiftiFields) =>
      readNifti(writeNifti(readNifti(makeNifti({ ...fields, ...own }), 'a'), 'float32'), 'back')

    const ofQform = rewritten({ sform: broken })
    expect(ofQform.grid).toMatchObject({ affine: qform, known: true })
    expect(ofQform.grid.header).toMatchObject({ sformCode: 1, qformCode: 1, sform: qform, qform })

    const ofSform = rewritten({ sform, qoffset: [NaN, 0, 0] })
    expect(ofSform.grid).toMatchObject({ affine: sform, known: true })
    expect(ofSform.grid.header).toMatchObject({ sformCode: 2, qformCode: 0, quaternion: [0, 0, 0] })
    expect(ofSform.grid.header?.pixdim.slice(0, 4)).toEqual([1, 1, 1.5, 2])

    const ofNone = rewritten({ sform: broken, qoffset: [NaN, 0, 0] })
    expect(ofNone.grid).toMatchObject({ known: false, header: { sformCode: 0, qformCode: 0 } })
    expect(voxelSize(ofNone.grid.affine)).toEqual([2, 3, 4])
    for (const { warnings } of [ofQform, ofSform, ofNone]) expect(warnings).toEqual([])
  })

  describe.each([1, 2] as const)('of NIfTI-%i', (version) => {
    it.each([
      [1, 'metres', 0.001],
      [3, 'micrometres', 1000],
    ])('converts units %i, %s, to millimetres', (code, name, perMillimetre) => {
      const inUnits = (values: readonly number[]): number[] => values.map((value) => value * perMillimetre)
      const both = { ...shape, ...qfields, version, sformCode: 1 }
      const inMillimetres = readNifti(makeNifti({ ...both, sform, units: 2 + 8 }), 'a')
      const fields = {
        ...{ pixdim: [1, ...inUnits([2, 3, 4]), 2.5], qoffset: inUnits(qfields.qoffset!) },
        ...{ sform: sform.slice(0, 3).map(inUnits), units: code + 8 },
      }
      const scan = readNifti(makeNifti({ ...both, ...fields }), 'a.nii')
      const conflict = /^sform and qform place voxels up to/
      const [first, ...others] = scan.warnings!
      expect(first).toBe(`a.nii: the header is in ${name}; converted to millimetres`)
      expect(others.map((text) => text.replace('a.nii: ', ''))).toEqual([expect.stringMatching(conflict)])
      const { header, affine } = scan.grid
      expect(header?.xyztUnits).toBe(2 + 8)
      expect(header?.pixdim.slice(0, 5)).toEqual([1, 2, 3, 4, 2.5])
      expectNear(affine, sform)
      expectNear(header!.qform, inMillimetres.grid.header!.qform)
      const back = readNifti(writeNifti(scan, 'float32'), 'back')
      expect(back.warnings?.join()).not.toContain('converted')
      expect(back.grid.header).toMatchObject({ xyztUnits: 2 + 8, qoffset: qfields.qoffset })
      expectNear(back.grid.affine, sform)

      const sizesAlone = makeNifti({ ...shape, version, ...fields, qformCode: 0, sformCode: 0 })
      expectNear(readNifti(sizesAlone, 'a').grid.affine, [
        [2, 0, 0, 0],
        [0, 3, 0, 0],
        [0, 0, 4, 0],
        [0, 0, 0, 1],
      ])
    })

    it('leaves units that are millimetres or not stated as they are', () => {
      for (const units of [0, 2, 2 + 8, 8]) {
        const { grid, warnings } = readNifti(makeNifti({ ...shape, ...qfields, version, units }), 'a')
        expect(warnings).toEqual([])
        expect(grid).toMatchObject({ affine: qform, header: { xyztUnits: units } })
      }
    })
  })

  it('takes voxel sizes of nonsense for 1', () => {
    const { affine } = readNifti(makeNifti({ ...shape, pixdim: [0, -2, 0, NaN] }), 'a').grid
    expect([0, 1, 2].map((axis) => affine[axis]![axis])).toEqual([2, 1, 1])
  })

  it('keeps float32 and float64 that are not finite', () => {
    const values = [NaN, Infinity, -Infinity, ...fileOrder.slice(3)]
    for (const datatype of [16, 64]) {
      const { data } = readNifti(makeNifti({ ...shape, values, datatype }), 'a')
      expect([data[0], data[20], data[40]]).toEqual([NaN, Infinity, -Infinity])
    }
  })

  it('refuses what is not NIfTI', () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(1000), Buffer.from('nonsense')]) {
      expect(userError(() => readNifti(bytes, 'x.nii'))).toContain('x.nii: not a NIfTI image')
    }
    expect(userError(() => readNifti(gzip(Buffer.from('nonsense')), 'x.nii.gz'))).toContain(
      'not a NIfTI image',
    )
  })

  it('reads gzip, refuses every cut of it, and tells every damaged voxel', () => {
    const bytes = gzip(makeNifti({ ...shape, datatype: 2 }))
    expect([...readNifti(bytes, 'a').data]).toEqual(counted)
    expectEveryCutRefused(bytes, (cut) => readNifti(cut, 'a'))
    // All but the ten bytes of the gzip header are covered by its checksum.
    expect(countDamageRefused(bytes, (damaged) => readNifti(damaged, 'a'))).toBeGreaterThanOrEqual(
      3 * (bytes.length - 10),
    )
  })

  it('reads gzip of several members, and refuses every cut', () => {
    const raw = makeNifti({ ...shape, datatype: 2 })
    const parts = [0, 100, 101, 300].map((start, i, all) => [...gzip(raw.slice(start, all[i + 1]))])
    const bytes = Uint8Array.from([...parts, [...gzip(new Uint8Array(0))]].flat())
    const whole = parts.flat().length
    expect([...readNifti(bytes, 'a').data]).toEqual(counted)
    expect([...readNifti(bytes.slice(0, whole), 'a').data]).toEqual(counted)
    expectEveryCutRefused(bytes.slice(0, whole), (cut) => readNifti(cut, 'a'))
  })
})
