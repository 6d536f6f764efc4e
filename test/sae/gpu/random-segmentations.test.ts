/** What holds of every segmentation, on shapes, priors and networks that nobody chose. */
import { expect } from 'vitest'
import { Variables } from '../../../src/plan/variables.js'
import { createModel, type Model } from '../../../src/sae/model.js'
import type { Prior } from '../../../src/sae/prior/prior.js'
import { Segmenter, type SegmentationOptions } from '../../../src/sae/segmenter.js'
import { useGpu } from '../../gpu.js'
import { randomCases, type Dice } from '../../ops/random-shapes.js'
import { drawPrior } from '../../reference/softmax.js'

const device = useGpu()

/** A scan, a prior with something to decide in a box only, and a network with random weights. */
function drawProblem(dice: Dice) {
  const classes = dice.whole(3, 7)
  const shape: [number, number, number] = [dice.whole(5, 23), dice.whole(5, 29), dice.whole(5, 37)]
  const margin = (extent: number) => dice.whole(0, Math.min(4, Math.floor((extent - 1) / 2)))
  const ends = shape.map((extent) => [margin(extent), extent - margin(extent)] as const)
  const [, H, W] = shape
  const inBox = (i: number) =>
    [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W].every(
      (at, axis) => at >= ends[axis]![0] && at < ends[axis]![1],
    )
  const drawn = Float32Array.from(drawPrior([1, classes, ...shape], dice.draw).data)
  const voxels = shape[0] * H * W
  const data = drawn.map((p, i) => (inBox(i % voxels) ? p : i < voxels ? 1 : 0))
  const prior: Prior = { data, classes, shape }
  const scans = [0, 1].map(() => Float32Array.from(dice.draw([voxels], 0, 1).data))
  const model = createModel(
    { classes, widths: [8, 9, 7], instanceNorm: dice.pick([false, true]) },
    dice.whole(0, 99),
  )
  const variables = new Variables(device.gpu)
  // Large enough that every class occurs.
  for (const value of model.encoder.parameters)
    variables.write(
      value,
      (value.initial as Float32Array).map((weight) => 3 * weight),
    )
  return { prior, scans, voxels, model, variables }
}

async function segment(
  model: Model,
  variables: Variables,
  prior: Prior,
  scans: readonly Float32Array[],
  options: SegmentationOptions = {},
) {
  const segmenter = await Segmenter.create(device.gpu, model, variables, prior, {
    posterior: true,
    ...options,
  })
  const results = []
  for (const scan of scans) {
    const { classes, posterior } = await segmenter.segment(scan)
    results.push({ classes, posterior: posterior! })
  }
  const broken = scans[0]!.with(3, NaN)
  await expect(segmenter.segment(broken)).rejects.toThrow('scan: voxel 3 is NaN; replace it')
  segmenter.dispose()
  return results
}

/** Array [K, ...] with channel c of the result taken from channel `from[c]`. */
function permuted(data: Float32Array, from: readonly number[]): Float32Array {
  const size = data.length / from.length
  return Float32Array.from(data, (_, i) => data[from[Math.floor(i / size)]! * size + (i % size)]!)
}

randomCases('a segmentation', 5, async (dice) => {
  const { prior, scans, voxels, model, variables } = drawProblem(dice)
  const { classes: K } = prior
  const [a, b] = scans as [Float32Array, Float32Array]
  const results = await segment(model, variables, prior, [a, b, a])
  const [first, other, again] = results

  // Its posterior is one, and its classes are the most probable ones; nothing that the prior rules out.
  const channels = (data: Float32Array, voxel: number) =>
    Array.from({ length: K }, (_, c) => data[c * voxels + voxel]!)
  for (let voxel = 0; voxel < voxels; voxel++) {
    const posterior = channels(first!.posterior, voxel)
    expect(posterior.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
    expect(posterior[first!.classes[voxel]!]).toBe(Math.max(...posterior))
    expect(posterior.every((p, c) => p === 0 || prior.data[c * voxels + voxel]! > 0)).toBe(true)
  }
  // It does not depend on what was segmented before.
  expect(other!.posterior).not.toEqual(first!.posterior)
  expect(again).toEqual(first)
  // Nor on whether the network sees the voxels that are certain.
  const [whole] = await segment(model, variables, prior, [a], { wholeGrid: true })
  expect(whole).toEqual(first)

  // Nor on whether posteriors are wanted: without them, nothing stores the scores from which the classes are chosen.
  const [bare] = await segment(model, variables, prior, [a], { posterior: false })
  expect(bare!.classes).toEqual(first!.classes)

  // Nor on the numbers of the classes.
  const turn = dice.whole(1, K - 2)
  const from = [0, ...Array.from({ length: K - 1 }, (_, c) => 1 + ((c + turn) % (K - 1)))]
  for (const value of model.encoder.parameters.slice(-2))
    variables.write(value, permuted(await variables.read(value), from))
  const renumbered = { ...prior, data: permuted(prior.data, from) }
  const [renamed] = await segment(model, variables, renumbered, [a])
  expect(Array.from(renamed!.classes, (c) => from[c]!)).toEqual(Array.from(first!.classes))
  const back = permuted(first!.posterior, from)
  expect(renamed!.posterior.every((p, i) => Math.abs(p - back[i]!) < 1e-5)).toBe(true)
  variables.dispose()
})
