import { quoted, UserError } from '../errors.js'
import { atLayer } from '../graph/layer.js'
import type { Value } from '../graph/value.js'
import { longestName, readOnnx } from '../io/onnx-read.js'
import type { Network } from '../nn/index.js'
import { activations } from './activations.js'
import { Call, type Operator } from './call.js'
import { convolutions } from './convolutions.js'
import { copies } from './copies.js'
import { einsum } from './einsum.js'
import { elementwise } from './elementwise.js'
import { heads } from './heads.js'
import { masks } from './masks.js'
import { normalisations } from './normalisations.js'
import { resizing } from './resize.js'
import { reductions } from './reductions.js'
import { sampling } from './sampling.js'
import { shapes } from './shapes.js'
import { asFlat, asVolume, isKnown, onDevice, volumeDims, type DeviceTensor, type Tensor } from './tensor.js'
import { weightsOf } from './weights.js'

/** A network that was read from an ONNX file. */
export interface OnnxNetwork extends Network {
  /** The weights of the file, under their names there. Those of convolutions of images have an extent of 1 for kD. */
  readonly parameters: readonly Value[]
  /** Running statistics of batch normalisations. */
  readonly statistics: readonly Value[]
  /** Names of the inputs, and their extents where the file fixes them. */
  readonly inputs: ReadonlyMap<string, readonly (number | string | undefined)[] | undefined>
  /** Names of the outputs. */
  readonly outputs: readonly string[]
  /** What the file says of itself. */
  readonly metadata: Readonly<Record<string, string>>
  /**
   * Builds the graph for the inputs by name.
   *
   * @returns the outputs by name: volumes if they have four or five axes, or three and come from a convolution; else flat
   * @throws UserError naming the operation that is not supported, or an input that is missing
   */
  readonly outputsOf: (inputs: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>
  /** The same for a network with one input; returns its first output. */
  (input: Value): Value
}

const operators: Readonly<Record<string, Operator>> = {
  ...activations,
  ...convolutions,
  ...copies,
  ...einsum,
  ...elementwise,
  ...heads,
  ...masks,
  ...normalisations,
  ...resizing,
  ...sampling,
  ...shapes,
  ...reductions,
}

/** A name of the file's in a message. */
const shown = (name: string): string => quoted(name, longestName)

/** Versions of ONNX's operations that the operators follow. */
const opsets = { from: 11, to: 21 }

/**
 * Reads a network from an ONNX file: PyTorch's `torch.onnx.export` writes such, and `sae export`. The result is a layer like
 * any other: compile it, or go on training its weights.
 *
 * Volumes are [N, C, D, H, W]; images [N, C, H, W] are volumes with D = 1. Sizes that the file states for an input bind
 * only if its operations compute with them.
 *
 * @param source the file's name, for messages
 * @throws UserError if the file is damaged, or has an operation that is not supported: it names it
 *
 * @example
 * const network = onnxNetwork(await readFile('nnunet.onnx'))
 * const logits = network(input('scan', [1, 1, 64, 64, 64]))
 */
export function onnxNetwork(bytes: Uint8Array, source = 'model.onnx'): OnnxNetwork {
  const model = readOnnx(bytes, source)
  const { opset, operations, constants } = model
  if (opset < opsets.from || opset > opsets.to)
    throw new UserError(`${source}: opset ${opset}; ${opsets.from} to ${opsets.to} are read`)
  const unknown = [
    ...new Set(operations.filter(({ op }) => !Object.hasOwn(operators, op)).map(({ op }) => op)),
  ]
  if (unknown.length > 0) {
    const { name } = operations.find(({ op }) => op === unknown[0])!
    throw new UserError(
      `${source}: the operation${unknown.length > 1 ? 's' : ''} ${shown(unknown.join(', '))} (first: ${name}) cannot be read`,
    )
  }
  const { trained, statistics, views } = weightsOf(model, operators)

  const outputsOf = (inputs: Readonly<Record<string, Value>>): Record<string, Value> => {
    const values = new Map<string, Tensor>([...constants, ...statistics])
    // What is trained and is no longer known, for operations that train it; others may read its numbers as settings.
    const weightsNow = new Map<string, Tensor>(trained)
    for (const [name, dims] of model.inputs) {
      const value = inputs[name]
      if (!value)
        throw new UserError(
          `${source}: the input ${shown(name)} is missing; given: ${Object.keys(inputs).join(', ')}`,
        )
      values.set(name, inputTensor(source, name, value, dims))
    }
    for (const operation of operations) {
      const { weights = [], build } = operators[operation.op]!
      const operands = operation.inputs.map((name, i) => {
        if (name === '') return undefined
        const found = (weights.includes(i) ? weightsNow.get(name) : undefined) ?? values.get(name)
        if (!found)
          throw new UserError(`${source}: ${operation.name} reads ${shown(name)}, which nothing computes`)
        return found
      })
      const resultsOf = (operands: readonly (Tensor | undefined)[]): readonly Tensor[] => {
        const call = new Call(operation, opset, operands)
        const built = inPlace(source, operation.name, () => {
          const results = build(call)
          call.requireAllRead()
          return results
        })
        return Array.isArray(built) ? (built as readonly Tensor[]) : [built as Tensor]
      }
      const results = resultsOf(operands)
      operation.outputs.forEach((name, i) => {
        if (results[i] && !statistics.has(name)) values.set(name, results[i])
      })
      const weight = views.has(operation) && weightsNow.get(operation.inputs[0]!)
      if (weight) weightsNow.set(operation.outputs[0]!, resultsOf([weight, ...operands.slice(1)])[0]!)
    }
    return Object.fromEntries(
      model.outputs.map((name) => {
        const tensor = values.get(name)
        if (!tensor) throw new UserError(`${source}: nothing computes the output ${shown(name)}`)
        return [
          name,
          inPlace(source, name, () => resultOf(isKnown(tensor) ? onDevice(name, tensor) : tensor)),
        ]
      }),
    )
  }

  const only = (input: Value): Value => {
    const names = [...model.inputs.keys()]
    if (names.length !== 1)
      throw new UserError(
        `${source}: it has ${names.length} inputs (${names.map(shown).join(', ')}); use outputsOf`,
      )
    return outputsOf({ [names[0]!]: input })[model.outputs[0]!]!
  }
  return Object.assign(only, {
    parameters: [...trained.values()].map(({ value }) => value),
    statistics: [...statistics.values()].map(({ value }) => value),
    inputs: model.inputs,
    outputs: model.outputs,
    metadata: model.metadata,
    outputsOf,
  })
}

/** An input as the file has it: with four axes, a volume with D = 1 is images. */
function inputTensor(
  source: string,
  name: string,
  value: Value,
  dims: readonly (number | string | undefined)[] | undefined,
): DeviceTensor {
  const rank = dims?.length ?? value.shape.length
  const extents = dims?.map((n) => (typeof n === 'string' ? shown(n) : (n ?? '?'))).join(', ')
  const misfit = (what: string): never => {
    throw new UserError(
      `${source}: the input ${shown(name)} [${extents ?? ''}] cannot be ${value.name} [${value.shape.join(', ')}]: ${what}`,
    )
  }
  if (value.dtype !== 'f32') misfit(`it holds ${value.dtype}`)
  const tensor =
    value.layout === 'volume' && rank >= 3
      ? { dims: [...value.shape.slice(0, 2), ...value.shape.slice(7 - rank)], value }
      : { dims: value.shape, value }
  if (tensor.dims.length !== rank || volumeDims(tensor.dims).join() !== volumeDims(value.shape).join())
    misfit(`it has ${rank} axes`)
  const channels = dims?.[1]
  if (typeof channels === 'number' && channels !== tensor.dims[1]) misfit(`${channels} channels are needed`)
  return tensor
}

/** What a caller gets: sequences [N, T, C] are flat unless a convolution computed them. */
function resultOf(tensor: DeviceTensor): Value {
  const { length } = tensor.dims
  const volume = tensor.value.layout === 'volume' ? length >= 3 : length === 4 || length === 5
  return volume ? asVolume(tensor) : asFlat(tensor)
}

/** Builds an operation under its name; errors name the file too. */
function inPlace<T>(source: string, name: string, build: () => T): T {
  try {
    return atLayer(name, build)
  } catch (error) {
    throw new UserError(`${source}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
