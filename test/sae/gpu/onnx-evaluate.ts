import * as concat from '../../reference/concat.js'
import * as conv3d from '../../reference/conv3d.js'
import * as convTranspose3d from '../../reference/conv-transpose3d.js'
import * as fit from '../../reference/fit.js'
import * as instanceNorm from '../../reference/instance-norm.js'
import * as maxPool3d from '../../reference/max-pool3d.js'
import { fromArray, map, type NdArray } from '../../reference/nd-array.js'
import * as upsampleNearest from '../../reference/upsample-nearest.js'
import type { DecodedModel, DecodedNode } from './onnx-decode.js'

type Triple = [number, number, number]

/** Runs a decoded ONNX graph in float64, each operation as onnx/docs/Operators.md has it. */
export function evaluateOnnx(
  { nodes, constants, outputs }: DecodedModel,
  inputs: Readonly<Record<string, NdArray>>,
): Map<string, NdArray> {
  const values = new Map([...constants, ...Object.entries(inputs)])
  for (const node of nodes) {
    const operands = node.inputs.map((name) => {
      const value = values.get(name)
      if (!value && name !== '') throw new Error(`${node.output} comes before ${name}`)
      return value!
    })
    values.set(node.output, run(node, operands))
  }
  return new Map([...outputs.keys()].map((name) => [name, values.get(name)!]))
}

function run({ op, attributes }: DecodedNode, inputs: readonly NdArray[]): NdArray {
  const [a, b, c] = inputs as [NdArray, NdArray, NdArray]
  switch (op) {
    case 'Shape':
      return vector(a.shape.slice(attributes.start as number))
    case 'Neg':
      return map(a, (x) => -x)
    case 'Mod':
      // With the sign of the divisor, as integers have it.
      return map(a, (x) => ((x % b.data[0]!) + b.data[0]!) % b.data[0]!)
    case 'Concat':
      return attributes.axis === 0 ? vector(inputs.flatMap(({ data }) => [...data])) : concat.forward(inputs)
    case 'Pad':
      expectOnly(b.data.subarray(0, 7), 0)
      return fit.forward(
        a,
        triple((axis) => a.shape[axis + 2]! + b.data[axis + 7]!),
      )
    case 'Conv':
      return conv3d.forward(a, b, c, geometry(attributes))
    case 'ConvTranspose':
      return convTranspose3d.forward(a, b, c, geometry(attributes))
    case 'LeakyRelu':
      return map(a, (x) => (x > 0 ? x : (attributes.alpha as number) * x))
    case 'InstanceNormalization':
      return instanceNorm.forward(a, b, c, attributes.epsilon as number)
    case 'Relu':
      return map(a, (x) => Math.max(x, 0))
    case 'MaxPool':
      expectOnly([...(attributes.kernel_shape as number[]), ...(attributes.strides as number[])], 2)
      return maxPool3d.forward(a)
    case 'Resize':
      expectOnly([...c.data.subarray(0, 2)], 1)
      expectOnly([...c.data.subarray(2)], 2)
      if (attributes.mode !== 'nearest' || attributes.nearest_mode !== 'floor')
        throw new Error('another Resize')
      return upsampleNearest.forward(a)
    case 'Slice':
      expectOnly(b.data, 0)
      return fit.forward(
        a,
        triple((axis) => c.data[axis]!),
      )
    case 'Log':
      return map(a, Math.log)
    case 'Add':
      return map(a, (x, i) => x + b.data[b.data.length === 1 ? 0 : i]!)
    default:
      throw new Error(`no reference of ${op}`)
  }
}

/** Stride and padding; the same padding at both ends. */
function geometry({ pads = [0, 0, 0, 0, 0, 0], strides = [1, 1, 1] }: DecodedNode['attributes']) {
  const [before, after] = [(pads as number[]).slice(0, 3), (pads as number[]).slice(3)]
  if (before.join() !== after.join()) throw new Error('uneven padding')
  return { stride: strides as Triple, padding: before as Triple }
}

const vector = (values: readonly number[]): NdArray => fromArray([values.length], values)
const triple = (of: (axis: number) => number): Triple => [of(0), of(1), of(2)]

function expectOnly(values: ArrayLike<number>, wanted: number): void {
  if (!Array.from(values).every((value) => value === wanted)) throw new Error(`not all ${wanted}`)
}
