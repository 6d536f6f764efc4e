import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../../src/io/onnx.js'
import { mulberry32 } from '../reference/nd-array.js'

/**
 * An ONNX graph as PyTorch exports nnU-Net's: convolutions with stride 1 and 2 and bias, instance normalisation, leaky
 * ReLU; transposed convolutions, concatenation with the skip; a convolution of one voxel. Random weights.
 */
export function madeNnUnet(widths: readonly number[], classes: number, shape: readonly number[]): OnnxGraph {
  const random = mulberry32(5)
  const nodes: OnnxNode[] = []
  const constants: OnnxTensor[] = []
  const draw = (name: string, dims: readonly number[], low: number, high: number) => {
    const size = dims.reduce((product, n) => product * n, 1)
    constants.push({
      name,
      dims,
      data: Float32Array.from({ length: size }, () => low + (high - low) * random()),
    })
    return name
  }
  const add = (
    op: string,
    name: string,
    inputs: string[],
    attributes: Record<string, OnnxAttribute> = {},
  ) => {
    nodes.push({ op, name, inputs, output: name, attributes })
    return name
  }
  const weights = (name: string, dims: readonly number[], outputs: number) => [
    draw(`${name}.weight`, dims, -0.3, 0.3),
    draw(`${name}.bias`, [outputs], -0.3, 0.3),
  ]
  const geometry = (kernel: number, stride: number, padding: number) => ({
    dilations: [1, 1, 1],
    group: 1,
    kernel_shape: [kernel, kernel, kernel],
    pads: Array<number>(6).fill(padding),
    strides: [stride, stride, stride],
  })
  const block = (name: string, input: string, inputs: number, outputs: number, stride: number) => {
    const kernel = weights(`${name}.conv`, [outputs, inputs, 3, 3, 3], outputs)
    const convolved = add('Conv', `${name}/conv`, [input, ...kernel], geometry(3, stride, 1))
    const scale = draw(`${name}.norm.weight`, [outputs], 0.5, 1.5)
    const shift = draw(`${name}.norm.bias`, [outputs], -0.5, 0.5)
    const epsilon = { epsilon: { float: 1e-5 } }
    const normalised = add('InstanceNormalization', `${name}/norm`, [convolved, scale, shift], epsilon)
    return add('LeakyRelu', `${name}/act`, [normalised], { alpha: { float: 0.01 } })
  }

  const skips: string[] = []
  let value = 'scan'
  widths.forEach((width, level) => {
    value = block(`encoder.${level}.0`, value, widths[level - 1] ?? 1, width, level === 0 ? 1 : 2)
    value = block(`encoder.${level}.1`, value, width, width, 1)
    skips.push(value)
  })
  for (let level = widths.length - 2; level >= 0; level--) {
    const [from, to] = [widths[level + 1]!, widths[level]!]
    const kernel = weights(`up.${level}`, [from, to, 2, 2, 2], to)
    const finer = add('ConvTranspose', `up.${level}/up`, [value, ...kernel], geometry(2, 2, 0))
    value = add('Concat', `up.${level}/joined`, [finer, skips[level]!], { axis: 1 })
    value = block(`decoder.${level}.0`, value, 2 * to, to, 1)
  }
  const head = weights('head', [classes, widths[0]!, 1, 1, 1], classes)
  add('Conv', 'logits', [value, ...head], geometry(1, 1, 0))
  const dims = (channels: number) => [1, channels, ...shape]
  return {
    name: 'nnunet',
    inputs: [{ name: 'scan', dims: dims(1) }],
    outputs: [{ name: 'logits', dims: dims(classes) }],
    constants,
    nodes,
  }
}
