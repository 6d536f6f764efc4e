import type { LabelTable } from '../../src/sae/labels/label-table.js'
import { createModel, type Architecture } from '../../src/sae/model.js'
import { checkpointMetadata } from '../../src/sae/checkpoint.js'
import { writeSafetensors, type Tensor } from '../../src/io/safetensors.js'

const architecture: Architecture = { classes: 14, widths: [4, 8], instanceNorm: true, priorLogits: true }

/**
 * Weights of an encoder for scans of one contrast, drawn at random.
 *
 * @param table of its classes, if the file has one
 */
export function makeWeights(table?: LabelTable): Buffer {
  const of = { ...architecture, classes: table?.classes.length ?? architecture.classes }
  return encode(of, encoderTensors(of), table)
}

/** The same without a tensor, so that they cannot be loaded. */
export function makeBrokenWeights(table: LabelTable): Buffer {
  const of = { ...architecture, classes: table.classes.length }
  const tensors = encoderTensors(of)
  if (!tensors.delete('encoder.conv.bias')) throw new Error('there is no bias to leave out')
  return encode(of, tensors, table)
}

/** The same for scans of two contrasts, which takes no notice of the second: its weights are 0. */
export function makeWeightsForTwo(): Buffer {
  const tensors = encoderTensors()
  const name = 'encoder.block0.weight'
  const { data, shape } = tensors.get(name)!
  const [outputs, , ...kernel] = shape as [number, number, ...number[]]
  const taps = kernel.reduce((product, size) => product * size, 1)
  const wider = new Float32Array(2 * data.length)
  for (let o = 0; o < outputs; o++) {
    wider.set((data as Float32Array).subarray(o * taps, (o + 1) * taps), 2 * o * taps)
  }
  tensors.set(name, { dtype: 'F32', shape: [outputs, 2, ...kernel], data: wider })
  return encode({ ...architecture, channels: 2 }, tensors)
}

function encoderTensors(of = architecture): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  for (const { name, shape, size, initial } of createModel(of, 7).encoder.parameters) {
    const data = initial === undefined ? new Float32Array(size) : Float32Array.from(initial, (w) => 3 * w)
    tensors.set(name, { dtype: 'F32', shape: [...shape], data })
  }
  return tensors
}

function encode(of: Architecture, tensors: ReadonlyMap<string, Tensor>, table?: LabelTable): Buffer {
  const info = { architecture: of, table, intensities: 'robust', training: undefined } as const
  return Buffer.from(writeSafetensors(tensors, checkpointMetadata(info)))
}
