import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/graph/gradients.js'
import { input, type Value } from '../../src/graph/value.js'
import { decoder, unet, type UnetOptions } from '../../src/nn/index.js'
import { crop, dot, type Box } from '../../src/ops/index.js'
import * as concat from '../reference/concat.js'
import * as conv3d from '../reference/conv3d.js'
import * as instanceNorm from '../reference/instance-norm.js'
import * as maxPool3d from '../reference/max-pool3d.js'
import * as upsampleNearest from '../reference/upsample-nearest.js'
import {
  fromArray,
  map,
  mulberry32,
  relativeError,
  sizeOf,
  uniform,
  zeros,
  type NdArray,
} from '../reference/nd-array.js'
import { evaluate, useGpu } from '../gpu.js'

const device = useGpu()

/** The encoder of docs/equations.md written out block by block, in float64. */
function reference(network: ReturnType<typeof unet>, scan: NdArray, norm: boolean): NdArray {
  const weights = new Map(network.parameters.map((p) => [p.name, fromArray(p.shape, p.initial!)]))
  const layer = (name: string, x: NdArray) =>
    conv3d.forward(x, weights.get(`encoder.${name}.weight`)!, weights.get(`encoder.${name}.bias`)!)
  const block = (i: number, x: NdArray) => {
    const y = layer(`block${i}`, x)
    return map(norm ? instanceNorm.forward(y, null, null) : y, (v) => Math.max(v, 0))
  }
  const up = (x: NdArray, skip: NdArray) => concat.forward([upsampleNearest.forward(x), skip])
  const b0 = block(0, scan)
  const b1 = block(1, maxPool3d.forward(b0))
  const b2 = block(2, maxPool3d.forward(b1))
  const b3 = block(3, maxPool3d.forward(b2))
  const b4 = block(4, maxPool3d.forward(b3))
  const b5 = block(5, up(b4, b3))
  const b6 = block(6, up(b5, b2))
  const b7 = block(7, up(b6, b1))
  return layer('conv', block(8, up(b7, b0)))
}

/** Zeros on the high side up to a multiple of 16, as docs/equations.md pads; `extents` cuts them off again. */
function resize(array: NdArray, extents: readonly number[]): NdArray {
  const [n, c, ...from] = array.shape as [number, number, number, number, number]
  const result = zeros([n, c, ...extents])
  const [D, H, W] = extents as [number, number, number]
  for (let i = 0; i < sizeOf([n, c, D, H, W]); i++) {
    const [x, y, z, nc] = [
      i % W,
      Math.floor(i / W) % H,
      Math.floor(i / (W * H)) % D,
      Math.floor(i / (W * H * D)),
    ]
    if (z < from[0] && y < from[1] && x < from[2]) {
      result.data[i] = array.data[((nc * from[0] + z) * from[1] + y) * from[2] + x]!
    }
  }
  return result
}

const norm = { instanceNorm: true }
const extentsOf = ({ start, stop }: Box) => stop.map((end, axis) => end - start[axis]!)

/** Whether an element of [.., .., ...region] lies further than `reach` from the sides that cut through the volume. */
function certainVoxels(extents: readonly number[], { start, stop }: Box, reach: number) {
  const [, H, W] = extentsOf({ start, stop }) as [number, number, number]
  return (i: number): boolean => {
    const D = stop[0] - start[0]
    const at = [Math.floor(i / (H * W)) % D, Math.floor(i / W) % H, i % W].map((n, axis) => n + start[axis]!)
    return at.every(
      (n, axis) =>
        (start[axis] === 0 || n >= start[axis]! + reach) &&
        (stop[axis] === extents[axis] || n < stop[axis]! - reach),
    )
  }
}

describe('unet', () => {
  it('has the 90,652 parameters of docs/equations.md, and the decoder 379', () => {
    const count = (network: { parameters: readonly { size: number }[] }) =>
      network.parameters.reduce((total, { size }) => total + size, 0)
    expect(count(unet({ classes: 14 }))).toBe(90_652)
    expect(count(decoder({ classes: 14 }))).toBe(379)
  })

  it('draws the same weights from the same seed, others from another', () => {
    const weights = (seed: number) =>
      unet({ classes: 3, seed }).parameters.map(({ initial }) => [...initial!])
    expect(weights(5)).toEqual(weights(5))
    expect(weights(5)).not.toEqual(weights(6))
  })

  for (const [name, shape, options] of [
    ['one multiple of 16', [1, 1, 16, 16, 16], { classes: 14 }],
    ['a batch of odd sizes, padded and cropped', [2, 1, 5, 17, 3], { classes: 5 }],
    ['a single voxel', [1, 1, 1, 1, 1], { classes: 2 }],
    ['instance normalisation', [2, 1, 32, 16, 16], { classes: 3, instanceNorm: true }],
  ] satisfies [string, number[], UnetOptions][]) {
    it(`agrees with the network written out in float64: ${name}`, async () => {
      const network = unet({ ...options, seed: 3 })
      const scan = map(uniform(shape, mulberry32(1), 0, 1), Math.fround)
      const { logits } = await evaluate(device.gpu, { scan }, (v) => ({ logits: network(v.scan!) }))
      const padded = shape.slice(2).map((n) => Math.ceil(n / 16) * 16)
      const expected = resize(
        reference(network, resize(scan, padded), 'instanceNorm' in options),
        shape.slice(2),
      )
      expect(logits.shape).toEqual(expected.shape)
      expect(relativeError(logits, expected)).toBeLessThan(1e-5)
    })
  }

  for (const [name, shape, region, options] of [
    ['in the middle', [1, 1, 21, 33, 18], { start: [5, 7, 3], stop: [12, 20, 10] }, {}],
    ['at the corner, of a batch', [2, 1, 17, 19, 23], { start: [0, 12, 0], stop: [17, 19, 9] }, {}],
    ['of a few voxels', [1, 1, 16, 16, 16], { start: [7, 0, 12], stop: [12, 3, 16] }, {}],
    ['of a coarse network', [1, 1, 11, 9, 10], { start: [3, 2, 3], stop: [9, 9, 8] }, { widths: [3, 2] }],
    ['with normalised blocks', [2, 1, 18, 17, 20], { start: [3, 1, 5], stop: [9, 17, 14] }, norm],
  ] satisfies [string, number[], Box, Partial<UnetOptions>][]) {
    it(`has the same logits and gradients in a region ${name}`, async () => {
      const network = unet({ classes: 3, seed: 4, ...options })
      const scan = map(uniform(shape, mulberry32(2), 0, 1), Math.fround)
      // No gradient comes from the voxels near a cut, whose logits are off.
      const sure = certainVoxels(shape.slice(2), region, network.reach)
      const pull = map(uniform([shape[0]!, 3, ...extentsOf(region)], mulberry32(3), -1, 1), Math.fround)
      pull.data.forEach((value, i) => (pull.data[i] = sure(i) ? value : 0))
      const run = (logitsOf: (scan: Value) => Value) =>
        evaluate(device.gpu, { scan, pull }, (v) => {
          const logits = logitsOf(v.scan!)
          const grads = gradients(dot(logits, v.pull!), network.parameters)
          const named = network.parameters.map(({ name }, i) => [name, grads[i]!] as const)
          return Object.fromEntries([['logits', logits], ...named])
        })
      const within = await run((scan) => network(scan, region))
      const cropped = await run((scan) => crop(network(scan), region))
      expect(within.logits!.shape.slice(2)).toEqual(extentsOf(region))
      const certain = (array: NdArray) => [...array.data].filter((_, i) => sure(i))
      expect(certain(within.logits!).length).toBeGreaterThan(0)
      expect(certain(within.logits!)).toEqual(certain(cropped.logits!))
      for (const { name } of network.parameters) {
        expect(relativeError(within[name]!, cropped[name]!), name).toBeLessThan(1e-5)
      }
    })
  }

  it('refuses a region beyond its input', () => {
    const x = input('x', [1, 1, 8, 8, 8])
    const network = unet({ classes: 2 })
    for (const region of [
      { start: [0, 0, 0], stop: [8, 9, 8] },
      { start: [0, -1, 0], stop: [8, 8, 8] },
      { start: [0, 0, 4], stop: [8, 8, 4] },
    ] satisfies Box[]) {
      expect(() => network(x, region)).toThrow(/not a box in \[8, 8, 8\] voxels/)
    }
  })

  it('gives other widths on request, and refuses fewer than two', () => {
    const network = unet({ classes: 2, widths: [2, 3] })
    expect(network(input('x', [1, 1, 4, 4, 4])).shape).toEqual([1, 2, 4, 4, 4])
    expect(() => unet({ classes: 2, widths: [4] })).toThrow('two widths')
  })
})
