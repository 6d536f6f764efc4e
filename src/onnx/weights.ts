import { parameter, Value } from '../graph/value.js'
import type { OnnxConstant, OnnxModel, OnnxOperation } from '../io/onnx-read.js'
import type { Operator } from './call.js'
import { volumeDims, type DeviceTensor } from './tensor.js'

/** What a network of an ONNX file trains. */
export interface Weights {
  /** The parameters by their names in the file. */
  readonly trained: ReadonlyMap<string, DeviceTensor>
  /** Running statistics of batch normalisations. */
  readonly statistics: ReadonlyMap<string, DeviceTensor>
  /** The operations through which other operations read parameters. */
  readonly views: ReadonlySet<OnnxOperation>
}

/** Operations that pass the numbers of their first input on, and the types to which a Cast does. */
const passing = new Set(['Identity', 'Unsqueeze', 'Squeeze', 'Reshape', 'Flatten', 'Transpose', 'Cast'])
const floats = [1, 10, 11]

function isPassing({ op, attributes }: OnnxOperation): boolean {
  return passing.has(op) && (op !== 'Cast' || floats.includes(attributes.get('to') as number))
}

/** The constants that operations train. */
export function weightsOf(model: OnnxModel, operators: Readonly<Record<string, Operator>>): Weights {
  // Statistics that are equal belong to normalisations that see other numbers.
  return {
    ...trainedOf(model, storedOf(model, isUniform), operators),
    statistics: statisticsOf(
      model,
      storedOf(model, () => true),
    ),
  }
}

/**
 * The constants of a file by every name that they have there. PyTorch stores equal ones once, and gives the others their
 * names by an Identity.
 *
 * @param isCopied whether the Identity of a constant is a constant of its own, not a view of it
 */
function storedOf(
  { operations, constants }: OnnxModel,
  isCopied: (constant: OnnxConstant) => boolean,
): ReadonlyMap<string, OnnxConstant> {
  const stored = new Map(constants)
  for (const { op, inputs, outputs } of operations) {
    const constant = op === 'Identity' ? stored.get(inputs[0] ?? '') : undefined
    if (constant && isCopied(constant) && outputs[0]) stored.set(outputs[0], constant)
  }
  return stored
}

/**
 * Whether all numbers are the same: ones, zeros and slopes of 0.25 are equal to others by chance, until they are trained. Numbers
 * that differ among themselves are equal to others because the weights are tied.
 */
function isUniform({ data }: OnnxConstant): boolean {
  return data.every((n) => n === data[0])
}

/** Constants as parameters; those of convolutions get five extents, for ours. */
function trainedOf(
  { operations }: OnnxModel,
  stored: ReadonlyMap<string, OnnxConstant>,
  operators: Readonly<Record<string, Operator>>,
): Omit<Weights, 'statistics'> {
  const trained = new Map<string, DeviceTensor>()
  const views = new Set<OnnxOperation>()
  const viewOf = new Map(
    operations.flatMap((operation) =>
      isPassing(operation) && operation.outputs[0] ? [[operation.outputs[0], operation] as const] : [],
    ),
  )
  for (const { op, inputs } of operations) {
    const { weights = [], isWeight } = operators[op]!
    for (const i of weights) {
      const chain: OnnxOperation[] = []
      let name = inputs[i] ?? ''
      for (;;) {
        const view = stored.has(name) ? undefined : viewOf.get(name)
        if (!view || chain.includes(view)) break
        chain.push(view)
        name = view.inputs[0] ?? ''
      }
      const constant = stored.get(name)
      if (!constant || constant.integer) continue
      const { dims, data } = constant
      if (isWeight && !isWeight(constant)) continue
      for (const view of chain) views.add(view)
      if (trained.has(name)) continue
      const ofConvolution = i === 1 && op.startsWith('Conv') && chain.length === 0
      const shape = ofConvolution ? volumeDims(dims) : dims.length === 0 ? [1] : dims
      trained.set(name, { dims, value: parameter(name, shape, Float32Array.from(data)) })
    }
  }
  return { trained, views }
}

/** The running statistics of batch normalisations, as variables. */
function statisticsOf(
  { operations }: OnnxModel,
  stored: ReadonlyMap<string, OnnxConstant>,
): Map<string, DeviceTensor> {
  const names = operations.flatMap(({ op, inputs }) =>
    op === 'BatchNormalization' ? inputs.slice(3, 5) : [],
  )
  return new Map(
    names.flatMap((name): [string, DeviceTensor][] => {
      const { dims, data }: Partial<OnnxConstant> = stored.get(name) ?? {}
      if (!dims || !data) return []
      const initial = Float32Array.from(data)
      return [[name, { dims, value: new Value(name, dims, 'variable', { initial }) }]]
    }),
  )
}
