import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { boxOfMask, middlesOfBlocks } from '../../../src/sae/prepare/blocks.js'
import { brainMask } from '../../../src/sae/prepare/brain-mask.js'
import { fillHoles, grownBy, largestComponent } from '../../../src/sae/prepare/mask.js'
import { scaledByQuantiles } from '../../../src/sae/prepare/quantiles.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { mulberry32 } from '../../reference/nd-array.js'

const shape: SpatialShape = [9, 11, 10]
const voxels = shape[0] * shape[1] * shape[2]

/** Voxels that are set with a probability of about a half: several components, and holes. */
function random(seed: number, share: number): Uint8Array {
  const draw = mulberry32(seed)
  return Uint8Array.from({ length: voxels }, () => (draw() < share ? 1 : 0))
}

const python = '/usr/bin/python3'
const missing = spawnSync(python, ['-c', 'import scipy.ndimage']).status !== 0
if (missing) console.warn('SKIPPED: no python3 with scipy to compare masks with')

/** What SciPy makes of the mask `m`. */
function scipy(mask: Uint8Array, expression: string): Uint8Array {
  const code = `
import sys, numpy as np
from scipy import ndimage as nd
m = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(${shape.join(', ')}) > 0
def largest(m):
    labels, n = nd.label(m)
    return labels == 1 + np.argmax(nd.sum(m, labels, range(1, n + 1)))
sys.stdout.buffer.write(np.ascontiguousarray(${expression}).astype(np.uint8).tobytes())`
  return new Uint8Array(execFileSync(python, ['-c', code], { input: mask }))
}

describe.skipIf(missing)('masks are those of SciPy', () => {
  it.each([0.2, 0.32, 0.5, 0.7])('with %f of the voxels set', (share) => {
    const mask = random(7, share)
    expect(largestComponent(mask, shape)).toEqual(scipy(mask, 'largest(m)'))
    expect(fillHoles(mask, shape)).toEqual(scipy(mask, 'nd.binary_fill_holes(m)'))
    const brain = brainMask(mask, shape, 2, [1, 1, 1])
    expect(brain).toEqual(scipy(mask, 'nd.distance_transform_edt(~nd.binary_fill_holes(largest(m))) <= 2'))
  })

  it.each([1.4, 1.5, 3.1])('grown and shrunk by %f mm', (margin) => {
    const mask = random(8, 0.1)
    const spacing = [1.5, 0.7, 1] as const
    const distance = (what: string) => `nd.distance_transform_edt(${what}, sampling=(1.5, 0.7, 1))`
    expect(grownBy(mask, shape, margin, spacing)).toEqual(scipy(mask, `${distance('~m')} <= ${margin}`))
    const full = mask.map((value) => 1 - value)
    expect(grownBy(full, shape, -margin, spacing)).toEqual(scipy(full, `${distance('m')} > ${margin}`))
  })

  it('quantiles are those of NumPy', () => {
    const draw = mulberry32(3)
    const data = Float32Array.from({ length: voxels }, () => Math.round(50 * draw()))
    const code = `
import sys, numpy as np
x = np.frombuffer(sys.stdin.buffer.read(), np.float32)
low, high = np.quantile(x, [0.021, 0.977])
sys.stdout.buffer.write(np.clip((x - low) / (high - low), 0, 1).astype(np.float32).tobytes())`
    const out = execFileSync(python, ['-c', code], { input: new Uint8Array(data.buffer) })
    const expected = new Float32Array(new Uint8Array(out).buffer)
    scaledByQuantiles(data, [0.021, 0.977]).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6)
    })
  })
})

describe('brainMask', () => {
  it('is empty where all is background, and leaves a full volume full', () => {
    expect(brainMask(new Uint8Array(voxels), shape, 1, [1, 1, 1])).toEqual(new Uint8Array(voxels))
    expect(brainMask(new Uint8Array(voxels).fill(3), shape, -1, [1, 1, 1])).toEqual(
      new Uint8Array(voxels).fill(1),
    )
  })
})

describe('blocks of voxels', () => {
  it('are cut from the box of the mask, one voxel of each taken', () => {
    const mask = new Uint8Array(voxels)
    const at = (d: number, h: number, w: number) => (d * shape[1] + h) * shape[2] + w
    for (const voxel of [at(2, 3, 4), at(2, 3, 5), at(4, 3, 4)]) mask[voxel] = 1
    const box = boxOfMask(mask, shape)
    expect(box).toEqual({ start: [2, 3, 4], stop: [5, 4, 6] })
    const data = Float32Array.from({ length: voxels }, (_, i) => i)
    expect(middlesOfBlocks(data, mask, shape, box, 1)).toMatchObject({
      shape: [3, 1, 2],
      inside: Float32Array.of(1, 1, 0, 0, 1, 0),
    })
    mask[at(3, 4, 5)] = 1
    // Of blocks of three voxels the middle ones: [3, 4, 5], and [3, 4, 8], which lies beyond the box.
    const wider = { start: box.start, stop: [5, 6, 8] } as const
    expect(middlesOfBlocks(data, mask, shape, wider, 3)).toEqual({
      shape: [1, 1, 2],
      data: Float32Array.of(at(3, 4, 5), 0),
      inside: Float32Array.of(1, 0),
    })
    expect(() => boxOfMask(new Uint8Array(voxels), shape)).toThrow('the mask is empty')
  })

  it('of a constant scan are scaled to 0', () => {
    expect(scaledByQuantiles(Float32Array.of(3, 3), [0, 1])).toEqual(Float32Array.of(0, 0))
  })
})
