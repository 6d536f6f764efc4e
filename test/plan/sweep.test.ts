/** A plan that runs slab by slab must give the bits of one that runs at once, in less memory. */
import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import { gradients, nodesBehind } from '../../src/graph/gradients.js'
import { compile, type CompileOptions } from '../../src/plan/compile.js'
import { findSweep, planSweep } from '../../src/plan/sweep.js'
import { constant, input, parameter, volumeShape, type Value } from '../../src/graph/value.js'
import * as ops from '../../src/ops/index.js'
import { createModel } from '../../src/sae/model.js'
import { saeObjective } from '../../src/sae/training/objective.js'
import { useGpu } from '../gpu.js'
import { mulberry32 } from '../reference/nd-array.js'

const device = useGpu()

/** A training step of SAE: its losses and the gradients of every parameter. */
function step(shape: readonly number[], neighbourhood: number): Value[] {
  const [batch, ...extents] = shape as [number, number, number, number]
  const model = createModel({ classes: 5, widths: [2, 3, 4], instanceNorm: false })
  const { loss, klLoss, squaredError, mrfLoss, segmentation } = saeObjective(
    model,
    input('scan', [batch, 1, ...extents]),
    input('noise counter', [2], { dtype: 'u32' }),
    { beta: 0.1, neighbourhood, temperature: 2 / 3 },
  )
  return [loss, klLoss, squaredError, mrfLoss!, segmentation, ...gradients(loss, model.parameters)]
}

type Shape5 = readonly [number, number, number, number, number]

/** A loss behind strided, dilated and transposed convolutions, pooling and resampling, and its gradients. */
function resampling([batch, channels, ...extents]: Shape5): Value[] {
  const draw = (name: string, shape: readonly number[]) =>
    parameter(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i + 1) / 4),
    )
  const x = input('scan', [batch, channels, ...extents])
  const weights = [
    draw('first', [3, channels, 3, 3, 3]),
    draw('down', [4, 3, 3, 3, 3]),
    draw('up', [4, 2, 3, 3, 3]),
    draw('dilated', [2, 1, 3, 1, 1]),
  ] as const
  const [first, down, up, dilated] = weights
  const few = draw('few', [2, 2, 11, 1, 1])
  const fine = ops.conv3d(x, first, undefined, { padding: 'same', activation: 'relu' })
  const coarse = ops.conv3d(fine, down, undefined, { stride: 2, padding: 1, activation: 'relu' })
  const back = ops.fit(
    ops.convTranspose3d(coarse, up, undefined, { stride: 2, padding: 1, outputPadding: 1 }),
    extents,
  )
  const smooth = ops.conv3d(back, dilated, undefined, { groups: 2, dilation: 2, padding: [2, 0, 0] })
  const average = ops.avgPool3d(smooth, { kernelSize: 3, stride: 2, padding: 1 })
  // So far from the finest resolution that a sweep leaves it out.
  const far = ops.conv3d(smooth, few, undefined, { stride: [9, 1, 1], padding: [1, 0, 0] })
  const largest = ops.maxPool3d(smooth, { kernelSize: 3, stride: [1, 2, 2], padding: 1 })
  const again = ops.fit(ops.upsampleTrilinear(average, 2), extents)
  const loss = ops.sum(ops.concat([ops.relu(again), smooth, fine]))
  const other = ops.dot(largest, largest)
  return [
    ...[loss, other, far],
    ...gradients(loss, [x, ...weights]),
    ...gradients(other, [x, ...weights]),
    ...gradients(ops.dot(far, far), [x, ...weights, few]),
  ]
}

/** Losses behind ops that move elements, between convolutions, and their gradients. */
function moving([batch, channels, ...extents]: Shape5): Value[] {
  const weight = (name: string, shape: readonly number[]) =>
    parameter(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i + 1) / 4),
    )
  const x = input('scan', [batch, channels, ...extents])
  const [first, last] = [weight('first', [4, channels, 3, 1, 1]), weight('last', [2, 3, 3, 1, 3])]
  const fine = ops.conv3d(x, first, undefined, { padding: 'same', activation: 'relu' })
  const margins: ops.Margin[] = [[2, 1], [0, 3], [1, 0]] // prettier-ignore
  const shifted = ops.slice(ops.pad(fine, margins), {
    starts: [3, 0, 1],
    ends: [Infinity, -3, Infinity],
    axes: [2, 3, 4],
  })
  const turned = ops.relu(ops.transpose(shifted, [0, 4, 2, 3, 1]))
  const back = ops.transpose(turned, [0, 4, 2, 3, 1])
  const twice = ops.concat([back, fine], 2)
  const taken = ops.gather(twice, constant('taken', [3], Uint32Array.of(0, 3, 3)), 1)
  const some = ops.slice(taken, { starts: [1], steps: [2], axes: [2] })
  const loss = ops.sum(ops.conv3d(ops.softmax(some, 3), last, undefined, { padding: 'same' }))
  const mirrored = ops.slice(fine, { starts: [Infinity], steps: [-1], axes: [2] })
  const other = ops.dot(ops.relu(mirrored), fine)
  return [loss, other, ...gradients(loss, [x, first, last]), ...gradients(other, [x, first])]
}

async function run(outputs: readonly Value[], options: Omit<CompileOptions, 'outputs'> = {}) {
  const plan = await compile(device.gpu, { outputs, ...options })
  for (const value of plan.inputs) {
    // The order of inputs depends on the schedule.
    const random = mulberry32(value.name.length)
    if (value.dtype === 'u32') plan.write(value, Uint32Array.of(3, 4))
    else
      plan.write(
        value,
        Float32Array.from({ length: value.size }, () => random() + 0.01),
      )
  }
  const results: number[][] = []
  for (let i = 0; i < 2; i++) {
    await plan.run()
    for (const value of outputs)
      results.push([...(value.dtype === 'u32' ? await plan.readUint(value) : await plan.read(value))])
  }
  const { slabs, slabPlanes, bytes, extraBytes } = plan
  plan.dispose()
  return { results, slabs, slabPlanes, bytes, extraBytes }
}

describe('a sweep', () => {
  it.each([
    ['an even volume', [1, 48, 16, 16], 3],
    ['a padded volume with odd planes', [1, 37, 11, 13], 3],
    ['a batch', [2, 21, 9, 14], 3],
    ['a wide neighbourhood', [1, 43, 8, 10], 11],
  ])('gives the same bits: %s', async (_, shape, neighbourhood) => {
    const outputs = step(shape, neighbourhood)
    const whole = await run(outputs)
    expect(whole.slabs).toBe(1)
    for (const slabPlanes of [8, 13]) {
      const swept = await run(outputs, { slabPlanes })
      expect(swept.slabs).toBeGreaterThan(2)
      swept.results.forEach((values, i) => {
        expect(values.every(Number.isFinite)).toBe(true)
        expect(values, outputs[i % outputs.length]!.name).toEqual(whole.results[i])
      })
    }
  })

  it.each([
    ['through other resolutions', [1, 2, 43, 8, 10], resampling],
    ['through other resolutions', [2, 2, 21, 9, 14], resampling],
    ['with elements that move', [1, 2, 43, 8, 10], moving],
    ['with elements that move', [2, 2, 21, 9, 14], moving],
  ] as const)('gives the same bits %s: %j', async (_, shape, build) => {
    const outputs = build(shape)
    const whole = await run(outputs)
    expect(whole.slabs).toBe(1)
    for (const slabPlanes of [8, 13]) {
      const swept = await run(outputs, { slabPlanes })
      expect(swept.slabs).toBeGreaterThan(1)
      swept.results.forEach((values, i) => {
        expect(values.every(Number.isFinite)).toBe(true)
        expect(values, outputs[i % outputs.length]!.name).toEqual(whole.results[i])
      })
    }
  })

  it('keeps a limit to the byte, and refuses one less', async () => {
    const outputs = step([1, 48, 32, 32], 3)
    const least = await run(outputs, { memoryTarget: 0 })
    const need = least.bytes + least.extraBytes
    device.gpu.buffers.resetPeak()
    const before = device.gpu.buffers.bytes
    const limited = await run(outputs, { memoryLimit: need })
    expect(limited).toEqual(least)
    expect(limited.slabPlanes).toBe(8)
    const peak = device.gpu.buffers.peakBytes - before
    expect(peak).toBeLessThanOrEqual(need)
    expect(peak).toBeGreaterThan(0.8 * need)
    const refusal = run(outputs, { memoryLimit: need - 1 })
    await expect(refusal).rejects.toThrow(UserError)
    await expect(refusal).rejects.toThrow(
      /at least [\d.]+ MB of device memory is needed, but the limit is [\d.]+ MB/,
    )
  })

  it('is as thick as the limit allows', async () => {
    const outputs = step([1, 64, 64, 64], 3)
    const total = ({ bytes, extraBytes }: { bytes: number; extraBytes: number }) => bytes + extraBytes
    const whole = total(await run(outputs))
    const thick = total(await run(outputs, { slabPlanes: 16 }))
    expect(thick).toBeLessThan(whole)
    expect(await run(outputs, { memoryLimit: whole })).toMatchObject({ slabs: 1, slabPlanes: undefined })
    const swept = await run(outputs, { memoryLimit: whole - 1 })
    expect(swept.slabPlanes).toBeGreaterThanOrEqual(16)
    expect(total(swept)).toBeLessThan(whole)
    expect((await run(outputs, { memoryLimit: thick })).slabPlanes).toBeGreaterThanOrEqual(16)
  })

  it('says how much memory is needed if a limit is too low', async () => {
    const failure = run(step([1, 32, 16, 16], 3), { memoryLimit: 1e5 })
    await expect(failure).rejects.toThrow(UserError)
    await expect(failure).rejects.toThrow(
      /at least [\d.]+ MB of device memory is needed, but the limit is 0\.1 MB/,
    )
  })

  it('stores no value of the finest scale whole unless it is needed outside', () => {
    const outputs = step([1, 64, 16, 16], 3)
    const nodes = nodesBehind(outputs).sort((a, b) => a.id - b.id)
    const kept = new Set(outputs)
    const block = findSweep(nodes, kept)
    const { strips, slabs } = planSweep(block, nodes, kept, 8)
    const whole = block
      .flatMap((node) => node.outputs)
      .filter((value) => value.layout === 'volume' && volumeShape(value).depth === 64 && !strips.has(value))
    // The segmentation, and the gradient that goes on along the skip connection.
    expect(whole.map(({ name, shape }) => [name, shape[1]])).toEqual([
      ['argmax', 1],
      ['gradient of skip', 2],
    ])
    expect(slabs).toHaveLength(8)
    // Convolutions are computed once: their strips slide.
    for (const node of block.filter(({ slices }) => slices!.costly)) {
      const planes = slabs.map(({ ranges }) => ranges.get(node) ?? { first: 0, end: 0 })
      expect(planes.reduce((sum, { first, end }) => sum + end - first, 0)).toBe(64)
    }
    for (const planes of strips.values()) expect(planes).toBeLessThanOrEqual(26)
  })

  it('is empty if a graph has nothing to cut', () => {
    const x = input('x', [1, 3, 8, 8, 8])
    const outputs = [ops.maxPool3d(x)]
    expect(findSweep(nodesBehind(outputs), new Set(outputs))).toEqual([])
  })
})
