/** Distances between surfaces: by hand, by all pairs of voxels, and as SciPy and NumPy give them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { squaredDistances } from '../../../src/sae/metrics/distance-transform.js'
import { regionScores } from '../../../src/sae/metrics/region-scores.js'
import { surfaceDistances } from '../../../src/sae/metrics/surface-distance.js'
import { makePhantom } from '../../../src/sae/phantom/phantom.js'

type Triple = readonly [number, number, number]

/** A map of class 1 in boxes, each from one voxel to another, both included. */
function boxes(shape: Triple, ...each: readonly (readonly [Triple, Triple])[]): Uint8Array {
  return Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => {
    const at = [Math.floor(i / (shape[1] * shape[2])), Math.floor(i / shape[2]) % shape[1], i % shape[2]]
    return each.some(([low, high]) => at.every((x, axis) => x >= low[axis]! && x <= high[axis]!)) ? 1 : 0
  })
}

const between = (a: Uint8Array, b: Uint8Array, shape: Triple, spacing: Triple) =>
  surfaceDistances(a, b, shape, spacing, [1])[0]

describe('squaredDistances', () => {
  it.each([
    { shape: [5, 6, 7], spacing: [1, 1, 1], members: 4 },
    { shape: [7, 4, 9], spacing: [0.5, 3, 1.2], members: 6 },
    { shape: [1, 1, 12], spacing: [2, 2, 2], members: 2 },
    { shape: [11, 1, 3], spacing: [1, 9, 0.1], members: 1 },
    { shape: [6, 5, 4], spacing: [1, 1, 4], members: 60 },
  ] as const)('is that of all pairs: $shape at $spacing', ({ shape, spacing, members }) => {
    const voxels = shape[0] * shape[1] * shape[2]
    const set = new Uint8Array(voxels)
    for (let n = 0; n < members; n++) set[(n * 7919 + 13) % voxels] = 1
    const place = (i: number): number[] => [
      Math.floor(i / (shape[1] * shape[2])) * spacing[0],
      (Math.floor(i / shape[2]) % shape[1]) * spacing[1],
      (i % shape[2]) * spacing[2],
    ]
    const inSet = [...set.keys()].filter((i) => set[i] === 1).map(place)
    const expected = Array.from({ length: voxels }, (_, i) => {
      const [d, h, w] = place(i) as [number, number, number]
      return Math.min(...inSet.map(([x, y, z]) => (d - x!) ** 2 + (h - y!) ** 2 + (w - z!) ** 2))
    })
    const actual = squaredDistances(set, shape, spacing)
    expect(Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)))).toBeLessThan(1e-10)
  })

  it('is infinite without members', () => {
    expect(squaredDistances(new Uint8Array(8), [2, 2, 2], [1, 1, 1])).toEqual(
      new Float64Array(8).fill(Infinity),
    )
  })
})

describe('surfaceDistances', () => {
  it('is the distance of two single voxels in millimetres', () => {
    const shape = [4, 5, 6] as const
    const [a, b] = [boxes(shape, [at(0, 0, 0), at(0, 0, 0)]), boxes(shape, [at(3, 4, 5), at(3, 4, 5)])]
    const apart = Math.hypot(3 * 2, 4 * 0.5, 5 * 1.5)
    const distance = between(a, b, shape, [2, 0.5, 1.5])!
    expect(distance.hd95).toBeCloseTo(apart, 12)
    expect(distance.assd).toBeCloseTo(apart, 12)
  })

  it('is 0 for equal maps', () => {
    const shape = [9, 9, 9] as const
    const cube = boxes(shape, [at(2, 2, 2), at(6, 6, 6)])
    expect(between(cube, cube, shape, [1, 2, 3])).toEqual({ hd95: 0, assd: 0 })
  })

  it('of slabs one behind the other is their distance along that axis', () => {
    // Each plane of voxels is all surface; both span the volume.
    const shape = [8, 3, 3] as const
    const [a, b] = [boxes(shape, [at(1, 0, 0), at(1, 2, 2)]), boxes(shape, [at(5, 0, 0), at(5, 2, 2)])]
    expect(between(a, b, shape, [1.5, 1, 1])).toEqual({ hd95: 6, assd: 6 })
  })

  it('of a shifted cube is computed by hand', () => {
    // Cubes of 3 voxels, one a voxel further along W: 26 surface voxels each, the centre apart.
    const shape = [5, 5, 6] as const
    const [a, b] = [boxes(shape, [at(1, 1, 1), at(3, 3, 3)]), boxes(shape, [at(1, 1, 2), at(3, 3, 4)])]
    // Of the first cube's surface: 9 voxels of its face w = 1 are one step from the other's face w = 2; of the 8 + 9
    // behind, all lie on the other's surface but the centre of w = 3, which is the other's own centre, one step from it.
    const { hd95, assd } = between(a, b, shape, [1, 1, 1])!
    expect(hd95).toBe(1)
    expect(assd).toBeCloseTo(10 / 26, 12)
    // Thick slices along W: that centre is nearer to the faces above, below and beside it.
    expect(between(a, b, shape, [1, 1, 5])!.assd).toBeCloseTo((9 * 5 + 1) / 26, 12)
  })

  it('takes voxels at the border of the volume for surface', () => {
    // Without that, the region that fills the volume would have no surface.
    const shape = [3, 3, 3] as const
    const all = boxes(shape, [at(0, 0, 0), at(2, 2, 2)])
    const centre = boxes(shape, [at(1, 1, 1), at(1, 1, 1)])
    const { hd95 } = between(all, centre, shape, [1, 1, 1])!
    expect(hd95).toBeCloseTo(Math.sqrt(3), 12)
  })

  it('is undefined for a class that one map lacks', () => {
    const shape = [2, 2, 2] as const
    const some = boxes(shape, [at(0, 0, 0), at(0, 0, 0)])
    const none = new Uint8Array(8)
    expect(surfaceDistances(some, none, shape, [1, 1, 1], [0, 1, 7])).toEqual([
      { hd95: expect.any(Number) as number, assd: expect.any(Number) as number },
      undefined,
      undefined,
    ])
    expect(() => surfaceDistances(some, none, [2, 2, 3], [1, 1, 1], [1])).toThrow(RangeError)
  })
})

function at(d: number, h: number, w: number): Triple {
  return [d, h, w]
}

const script = `
import json, sys
import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt
study = json.load(sys.stdin)
a, b = (np.array(study[m], dtype=np.uint8).reshape(study["shape"]) for m in "ab")
out = []
for c in study["classes"]:
    x, y = (m == c for m in (a, b))
    ex, ey = (m ^ binary_erosion(m) for m in (x, y))
    dx = distance_transform_edt(~ey, sampling=study["spacing"])[ex]
    dy = distance_transform_edt(~ex, sampling=study["spacing"])[ey]
    out.append([max(np.percentile(dx, 95), np.percentile(dy, 95)), np.concatenate([dx, dy]).mean()])
json.dump(out, sys.stdout)
`

const missing = spawnSync('python3', ['-c', 'import scipy.ndimage']).status !== 0
if (missing) console.warn('SKIPPED: no python3 with SciPy to compare surface distances with')

it.skipIf(missing)("surface distances are SciPy's, between two brain-like phantoms", () => {
  const shape = [22, 27, 24] as const
  const spacing = [1.1, 0.8, 2.5] as const
  const { subjects } = makePhantom({ seed: 3, shape, subjects: 2 })
  const [a, b] = subjects.map(({ labels }) => labels) as [Uint8Array, Uint8Array]
  const classes = [...new Set(a)].filter((c) => b.includes(c)).sort((x, y) => x - y)
  expect(classes.length).toBeGreaterThan(5)
  const study = { a: [...a], b: [...b], shape, spacing, classes }
  const expected = JSON.parse(
    execFileSync('python3', ['-c', script], { input: JSON.stringify(study) }).toString(),
  ) as [number, number][]
  const actual = surfaceDistances(a, b, shape, spacing, classes)
  expected.forEach(([hd95, assd], i) => {
    expect(actual[i]!.hd95).toBeCloseTo(hd95, 9)
    expect(actual[i]!.assd).toBeCloseTo(assd, 9)
  })
})

describe('regionScores', () => {
  it('gives volumes in cubic millimetres and their similarity', () => {
    const grid = { shape: [2, 2, 2], spacing: [1, 2, 3], voxelVolume: 6 } as const
    const scores = regionScores(
      Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 2),
      Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
      4,
      grid,
      [1, 2],
    )
    expect(scores[1]).toMatchObject({ dice: 3 / 5, vs: 0.5, volume: 18, reference: 6 })
    expect(scores[1]!.hd95).toBeGreaterThan(0)
    expect(scores[2]).toEqual({
      dice: 1 / 2,
      vs: 0,
      hd95: undefined,
      assd: undefined,
      volume: 6,
      reference: 0,
    })
    expect(scores[3]).toMatchObject({ dice: undefined, vs: undefined, volume: 0 })
  })
})
