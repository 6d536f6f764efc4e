import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { Random } from '../../../src/sae/phantom/random.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { contrastModel, type IntensityModel } from '../../../src/sae/synth/intensities.js'
import { Synthesiser, type SynthesisOptions } from '../../../src/sae/synth/synthesiser.js'
import { userError } from '../../io/support.js'

const shape: SpatialShape = [17, 22, 19]
const classes = makePhantom({ shape, subjects: 1 }).unpaired.labels
const K = phantomTable.classes.length
const t1 = (random: Random): IntensityModel => contrastModel('t1', phantomTable, random)
const map: SynthesisOptions = { sources: [{ classes, shape }], intensities: t1 }
const pure = { rim: 0, grain: 0, blur: 0, bias: 0, noise: 0 }
const moving = { rotation: 10, scale: 0.1, shear: 0.05, shift: 1, displacement: 1, wavelength: 10 }

function draw(options: SynthesisOptions, seed = 1) {
  return new Synthesiser(options).draw(new Random(seed))
}

function digest(array: Uint8Array | Float32Array): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

function statistics(values: Float32Array): { mean: number; deviation: number } {
  let [sum, squares] = [0, 0]
  for (const value of values) {
    sum += value
    squares += value * value
  }
  const mean = sum / values.length
  return { mean, deviation: Math.sqrt(squares / values.length - mean * mean) }
}

describe('Synthesiser', () => {
  it('gives the same for the same seed, and another for another', () => {
    const options = { ...map, ...moving }
    expect(draw(options)).toEqual(draw(options))
    const other = draw(options, 2)
    expect(other.scan).not.toEqual(draw(options).scan)
    expect(other.labels).not.toEqual(draw(options).labels)
  })

  it('gives the same bits on every machine', () => {
    const everything = { ...map, ...moving, resolution: [2, 1, 3], rician: true } as const
    const fromMap = draw(everything)
    // priorFromLabels calls Math.exp, which may differ by a bit from one JavaScript engine to the next.
    const shares = Float32Array.from({ length: K * classes.length }, (_, at) => {
      const [c, i] = [Math.floor(at / classes.length), at % classes.length]
      return [i - 1, i, i, i + 1].filter((j) => classes[j] === c).length / 4
    })
    const fromPrior = draw({ ...everything, sources: [{ prior: { data: shares, classes: K, shape } }] })
    expect([fromMap.scan, fromMap.labels, fromPrior.scan, fromPrior.labels].map(digest)).toEqual([
      'f4308b16e4542248',
      '01365139c7854d74',
      '1393b90ed60735b5',
      'e430788a63d885bf',
    ])
  })

  it('gives the label map back if nothing moves', () => {
    expect(draw(map).labels).toEqual(classes)
  })

  it('paints the means of the classes if nothing blurs them', () => {
    const { scan, labels, intensities } = draw({ ...map, ...pure, intensities: flat })
    scan.forEach((value, i) => {
      const c = labels[i]!
      expect(value).toBe(c === 0 ? 0 : Math.fround(intensities[c]![0]!.mean))
    })
  })

  it.each([0, 2])(
    'paints classes with their means, deviations and shares of components, grain %d',
    (grain) => {
      const side: SpatialShape = [40, 41, 43]
      const box = new Uint8Array(40 * 41 * 43).fill(1).fill(2, 40 * 41 * 20)
      const model: IntensityModel = [
        [{ weight: 1, mean: 0.9, deviation: 0 }],
        [{ weight: 1, mean: 0.3, deviation: 0.05 }],
        [
          { weight: 3, mean: 0.4, deviation: 0.01 },
          { weight: 1, mean: 0.8, deviation: 0.02 },
        ],
      ]
      const { scan } = draw({
        ...pure,
        sources: [{ classes: box, shape: side }],
        intensities: () => model,
        grain,
      })
      // A smooth field has fewer independent values.
      const tolerance = grain === 0 ? 0.01 : 0.08
      const one = statistics(scan.filter((_, i) => box[i] === 1))
      expect(Math.abs(one.mean - 0.3)).toBeLessThan(0.05 * tolerance)
      expect(Math.abs(one.deviation / 0.05 - 1)).toBeLessThan(tolerance)
      const two = scan.filter((_, i) => box[i] === 2)
      const bright = two.filter((value) => value > 0.6)
      expect(Math.abs(bright.length / two.length - 0.25)).toBeLessThan(tolerance)
      expect(Math.abs(statistics(bright).mean - 0.8)).toBeLessThan(0.05 * tolerance)
      expect(Math.abs(statistics(bright).deviation / 0.02 - 1)).toBeLessThan(2 * tolerance)
      expect(Math.abs(statistics(two.filter((value) => value <= 0.6)).mean - 0.4)).toBeLessThan(
        0.05 * tolerance,
      )
    },
  )

  it('mixes classes within a voxel that is larger than those of the map', () => {
    // Every third voxel of the map; a spread of 1 mm reaches its neighbours.
    const fine = Uint8Array.from({ length: 9 * 9 * 9 }, (_, i) => (i % 9 < 4 ? 1 : 2))
    const placement = [
      [3, 0, 0, 1],
      [0, 3, 0, 1],
      [0, 0, 3, 1],
    ] as const
    const { scan, labels } = draw({
      ...pure,
      sources: [{ classes: fine, shape: [9, 9, 9], placement }],
      intensities: () => [0, 0.2, 0.6].map((mean) => [{ weight: 1, mean, deviation: 0 }]),
      shape: [3, 3, 3],
      spacing: [3, 3, 3],
      blur: 0.9,
    })
    // Along W the output lies at 1, 4 and 7; points 0.9 to either side; class 2 begins at 4.
    expect([...labels.subarray(0, 3)]).toEqual([1, 2, 2])
    const [a, b, c] = scan
    expect([a, c]).toEqual([Math.fround(0.2), Math.fround(0.6)])
    expect(b).toBeCloseTo(0.4, 6)
  })

  it('is 0 outside the head and within 0..1', () => {
    const { scan, labels } = draw({ ...map, ...moving, noise: 0.5, rim: 1 })
    expect(scan.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(scan.some((value, i) => value > 0 && labels[i] === 0)).toBe(true)
    expect([0, 18, 21 * 19, scan.length - 1].map((corner) => scan[corner])).toEqual([0, 0, 0, 0])
    const bare = draw({ ...map, ...moving, noise: 0.5, rim: 0 })
    expect(bare.scan.every((value, i) => value === 0 || bare.labels[i] !== 0)).toBe(true)
  })

  it('adds noise of the deviation asked for; Rician noise has no negative values', () => {
    const side: SpatialShape = [30, 31, 29]
    const one = (mean: number, rician: boolean): Float32Array =>
      draw({
        ...pure,
        sources: [{ classes: new Uint8Array(30 * 31 * 29).fill(1), shape: side }],
        intensities: () => [0, mean].map((value) => [{ weight: 1, mean: value, deviation: 0 }]),
        noise: 0.05,
        rician,
      }).scan
    const gaussian = statistics(one(0.5, false))
    expect(gaussian.mean).toBeCloseTo(0.5, 2)
    expect(Math.abs(gaussian.deviation / 0.05 - 1)).toBeLessThan(0.02)
    // Without a signal the magnitude is Rayleigh-distributed.
    const dark = statistics(one(0, true))
    expect(Math.abs(dark.mean / (0.05 * Math.sqrt(Math.PI / 2)) - 1)).toBeLessThan(0.02)
    expect(Math.abs(dark.deviation / (0.05 * Math.sqrt(2 - Math.PI / 2)) - 1)).toBeLessThan(0.05)
  })

  it('applies a smooth bias of the deviation asked for', () => {
    const side: SpatialShape = [24, 24, 24]
    const logarithms: number[] = []
    let roughest = 0
    for (let seed = 1; seed <= 20; seed++) {
      const { scan } = draw(
        {
          ...pure,
          sources: [{ classes: new Uint8Array(24 ** 3).fill(1), shape: side }],
          intensities: () => [0, 0.4].map((mean) => [{ weight: 1, mean, deviation: 0 }]),
          spacing: [8, 8, 8],
          bias: 0.1,
        },
        seed,
      )
      scan.forEach((value, i) => {
        logarithms.push(Math.log(value / 0.4))
        if (i % 24 > 0) roughest = Math.max(roughest, Math.abs(value - scan[i - 1]!))
      })
    }
    const { mean, deviation } = statistics(Float32Array.from(logarithms))
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(deviation / 0.1 - 1)).toBeLessThan(0.15)
    expect(roughest).toBeLessThan(0.03)
  })

  it('measures with larger voxels if a resolution is given', () => {
    const blurred = draw({ ...map, ...pure, rim: 2, resolution: [1, 1, 6] }).scan
    const sharp = draw({ ...map, ...pure, rim: 2 }).scan
    const roughness = (scan: Float32Array, stride: number): number =>
      scan.reduce((sum, value, i) => sum + (i >= stride ? Math.abs(value - scan[i - stride]!) : 0), 0)
    expect(roughness(blurred, 1)).toBeLessThan(0.7 * roughness(sharp, 1))
    expect(roughness(blurred, 22 * 19)).toBeGreaterThan(0.5 * roughness(sharp, 22 * 19))
  })

  it('draws from every source, and label maps from a prior within its support', () => {
    const prior = { data: priorFromLabels(classes, shape, K), classes: K, shape }
    const options = { ...map, sources: [{ classes, shape }, { prior }] }
    const drawn = Array.from({ length: 12 }, (_, seed) => draw(options, seed))
    expect(new Set(drawn.map(({ source }) => source))).toEqual(new Set([0, 1]))
    for (const { labels, source } of drawn) {
      if (source === 0) expect(labels).toEqual(classes)
      else expect(labels.every((c, i) => prior.data[c * classes.length + i]! > 0)).toBe(true)
    }
  })

  it('writes true labels if painted classes are finer', () => {
    const truth = Uint8Array.of(0, 1, 1, 0, 2, 2, 3, 4)
    const { labels } = draw({ ...map, sources: [{ classes, shape, truth }] })
    expect(labels).toEqual(classes.map((c) => truth[c]!))
  })

  it('leaves the anatomy as it is if the scanner changes, and draws parameters within their ranges', () => {
    const a = draw({ ...map, ...moving })
    const b = draw({ ...map, ...moving, noise: [0.2, 0.3], blur: 2, rim: 8, intensities: flat })
    expect(b.labels).toEqual(a.labels)
    expect(b.acquisition.noise).toBeGreaterThanOrEqual(0.2)
    expect(b.acquisition.noise).toBeLessThan(0.3)
    expect([b.acquisition.blur, b.acquisition.rim]).toEqual([2, 8])
  })

  it.each<SpatialShape>([
    [1, 1, 1],
    [1, 7, 3],
    [13, 1, 2],
  ])('makes scans of %i x %i x %i voxels', (...odd) => {
    const { scan, labels } = draw({ ...map, ...moving, shape: odd, resolution: [2, 2, 2] })
    expect([scan.length, labels.length]).toEqual([odd[0] * odd[1] * odd[2], odd[0] * odd[1] * odd[2]])
    expect(scan.every(Number.isFinite)).toBe(true)
  })

  it('makes an empty scan of an empty map', () => {
    const { scan } = draw({ ...map, sources: [{ classes: new Uint8Array(60), shape: [3, 4, 5] }] })
    expect(scan).toEqual(new Float32Array(60))
  })

  it.each<[Partial<SynthesisOptions>, string]>([
    [{ sources: [] }, 'need a label map or a prior'],
    [{ noise: -1 }, 'noise of -1; give 0 to 1'],
    [{ bias: [0.2, 0.1] }, 'bias of 0.2 to 0.1'],
    [{ blur: NaN }, 'blur in mm of NaN to NaN'],
    [{ resolution: [1, 1, 200] }, 'resolution in mm of 200'],
    [{ rotation: 90 }, 'rotation of 90 degrees'],
    [{ intensities: () => [[{ weight: 1, mean: 0, deviation: 0 }]] }, 'of 1 classes, but the labels have 8'],
  ])('refuses %j', (options, message) => {
    expect(userError(() => draw({ ...map, ...options }))).toContain(message)
  })
})

/** One mean a class. */
function flat(): IntensityModel {
  return phantomTable.classes.map((_, c) => [{ weight: 1, mean: (c + 1) / 10, deviation: 0 }])
}
