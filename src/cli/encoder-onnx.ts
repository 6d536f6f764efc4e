import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../io/onnx.js'
import { unetLayers } from '../nn/unet.js'
import { channelsOf, leastProbability, type Architecture, type NamedTensor } from '../sae/model.js'

/** Of `instanceNorm`. */
const epsilon = 1e-5
const spatial = ['depth', 'height', 'width'] as const

/**
 * The encoder as an ONNX graph: what `modelLogits` computes, for scans of any size.
 *
 * Input `scan` [1, C, D, H, W], intensities scaled as in training; input `prior` [1, K, D, H, W], probabilities, if the
 * architecture adds their logarithm; output `logits` [1, K, D, H, W], before the classes that the prior rules out are.
 * @param tensors hold the encoder's weights
 * @param shape the only D, H, W that the graph is for. Default: any
 */
export function encoderGraph(
  architecture: Architecture,
  tensors: ReadonlyMap<string, NamedTensor>,
  shape?: readonly [number, number, number],
): OnnxGraph {
  const { classes, widths, instanceNorm, priorLogits = false } = architecture
  const depth = widths.length - 1
  const layers = unetLayers(widths, classes, channelsOf(architecture))
  const graph = new GraphBuilder()

  const zeros = graph.sizes('pads before', [0, 0, 0, 0, 0, 0, 0])
  const extents = graph.add('Shape', 'extents', ['scan'], { start: 2 })
  const rest = graph.add('Mod', 'pads after', [
    graph.add('Neg', 'minus extents', [extents]),
    graph.sizes('multiple', [2 ** depth]),
  ])
  const pads = graph.add('Concat', 'pads', [zeros, rest], { axis: 0 })

  const convolution = (name: string, input: string): string => {
    const weights = ['weight', 'bias'].map((part) => {
      const tensor = tensors.get(`${name}.${part}`)!
      return graph.floats(`${name}.${part}`, tensor.shape, tensor.data)
    })
    const attributes = { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] }
    return graph.add('Conv', `${name}.conv`, [input, ...weights], attributes)
  }
  const outputs: string[] = []
  const block = (input: string): string => {
    const { name, outputs: channels } = layers[outputs.length]!
    let value = convolution(name, input)
    if (instanceNorm) {
      const ones = graph.floats(`${name}.ones`, [channels], new Float32Array(channels).fill(1))
      const none = graph.floats(`${name}.zeros`, [channels], new Float32Array(channels))
      value = graph.add('InstanceNormalization', `${name}.norm`, [value, ones, none], {
        epsilon: { float: epsilon },
      })
    }
    value = graph.add('Relu', `${name}.relu`, [value])
    outputs.push(value)
    return value
  }

  let value = block(graph.add('Pad', 'padded', ['scan', pads]))
  for (let level = 1; level <= depth; level++) {
    const halves = { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }
    value = block(graph.add('MaxPool', `pool${level}`, [value], halves))
  }
  const scales = graph.floats('scales', [5], Float32Array.of(1, 1, 2, 2, 2))
  for (let level = depth - 1; level >= 0; level--) {
    const upsampled = graph.add('Resize', `upsampled${level}`, [value, '', scales], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    })
    value = block(graph.add('Concat', `joined${level}`, [upsampled, outputs[level]!], { axis: 1 }))
  }
  const whole = convolution(layers.at(-1)!.name, value)
  const box = [graph.sizes('first voxel', [0, 0, 0]), extents, graph.sizes('spatial axes', [2, 3, 4])]
  const own = graph.add('Slice', priorLogits ? 'network logits' : 'logits', [whole, ...box])
  if (priorLogits) {
    const least = graph.floats('least probability', [1], Float32Array.of(leastProbability))
    const log = graph.add('Log', 'log prior', [graph.add('Add', 'raised prior', ['prior', least])])
    graph.add('Add', 'logits', [own, log])
  }

  const dims = (channels: number) => [1, channels, ...(shape ?? spatial)]
  const { nodes, constants } = graph
  return {
    name: 'encoder',
    inputs: [
      { name: 'scan', dims: dims(channelsOf(architecture)) },
      ...(priorLogits ? [{ name: 'prior', dims: dims(classes) }] : []),
    ],
    outputs: [{ name: 'logits', dims: dims(classes) }],
    nodes,
    constants,
  }
}

/** Collects nodes and constants; every method returns the name of a value. */
class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly constants: OnnxTensor[] = []

  add(
    op: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    this.nodes.push({ op, name, inputs, output: name, attributes })
    return name
  }

  floats(name: string, dims: readonly number[], data: Float32Array): string {
    this.constants.push({ name, dims, data })
    return name
  }

  sizes(name: string, values: readonly number[]): string {
    this.constants.push({ name, dims: [values.length], data: BigInt64Array.from(values, BigInt) })
    return name
  }
}
