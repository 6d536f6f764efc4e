/** The exported encoder, decoded and run in float64, beside the engine. */
import { expect, it } from 'vitest'
import { encoderGraph } from '../../../src/cli/encoder-onnx.js'
import { writeOnnx } from '../../../src/io/onnx.js'
import {
  createModel,
  modelLogits,
  type Architecture,
  type Model,
  type NamedTensor,
} from '../../../src/sae/model.js'
import { evaluate, useGpu } from '../../gpu.js'
import { map, maxAbsError, mulberry32, uniform, type NdArray } from '../../reference/nd-array.js'
import { decodeOnnx } from './onnx-decode.js'
import { evaluateOnnx } from './onnx-evaluate.js'

const device = useGpu()

const cases: Record<string, Architecture> = {
  'of the paper': { classes: 3, widths: [2, 3, 4], instanceNorm: false },
  'normalised, with the logarithm of the prior': {
    classes: 4,
    widths: [3, 2],
    instanceNorm: true,
    priorLogits: true,
  },
}

it.each(Object.entries(cases))('an encoder %s', async (_, architecture) => {
  const model = createModel(architecture, 3)
  const tensors = initialTensors(model)
  const metadata = { intensities: 'robust', classes: 'ä' }
  const decoded = decodeOnnx(writeOnnx(encoderGraph(architecture, tensors), metadata))
  expect(decoded).toMatchObject({ opset: 17, metadata })
  const sizes = ['depth', 'height', 'width']
  const { classes, priorLogits = false } = architecture
  expect([...decoded.inputs]).toEqual([
    ['scan', [1, 1, ...sizes]],
    ...(priorLogits ? [['prior', [1, classes, ...sizes]]] : []),
  ])
  expect([...decoded.outputs]).toEqual([['logits', [1, classes, ...sizes]]])

  const random = mulberry32(7)
  for (const shape of [
    [5, 9, 7],
    [8, 4, 4],
    [1, 1, 1],
  ]) {
    const scan = uniform([1, 1, ...shape], random)
    const prior = floored(uniform([1, classes, ...shape], random, 0, 1))
    const expected = evaluateOnnx(decoded, { scan, prior }).get('logits')!
    const { logits } = await evaluate(device.gpu, { scan, prior }, (v) => ({
      logits: modelLogits(model, v.scan!, v.prior!).logits,
    }))
    expect(logits.shape).toEqual(expected.shape)
    expect(maxAbsError(logits, expected)).toBeLessThan(1e-4)
  }
})

it('may state the only size that it is for', () => {
  const architecture: Architecture = { classes: 2, widths: [1, 1], instanceNorm: false }
  const tensors = initialTensors(createModel(architecture))
  const { inputs, outputs } = decodeOnnx(writeOnnx(encoderGraph(architecture, tensors, [5, 6, 7])))
  expect([...inputs, ...outputs]).toEqual([
    ['scan', [1, 1, 5, 6, 7]],
    ['logits', [1, 2, 5, 6, 7]],
  ])
})

function initialTensors({ parameters }: Model): Map<string, NamedTensor> {
  return new Map(
    parameters.map(({ name, shape, initial }) => [name, { shape, data: Float32Array.from(initial!) }]),
  )
}

/** Some classes are ruled out: probability 0. */
function floored(prior: NdArray): NdArray {
  return map(prior, (p) => (p < 0.3 ? 0 : p))
}
