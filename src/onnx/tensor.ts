import { constant, type Shape, type Value } from '../graph/value.js'
import type { OnnxConstant } from '../io/onnx-read.js'
import { reshape } from '../ops/index.js'

/** A value of an ONNX graph that is computed on the device. */
export interface DeviceTensor {
  /** Its extents in ONNX: [N, C, H, W] for a volume of images, whose D is 1. */
  readonly dims: Shape
  /** A volume, or flat of the shape `dims`. */
  readonly value: Value
}

/** A value of an ONNX graph: on the device; or known when the graph is built, such as sizes. */
export type Tensor = DeviceTensor | OnnxConstant

export function isKnown(tensor: Tensor): tensor is OnnxConstant {
  return 'data' in tensor
}

/** Extents of a volume [N, C, D, H, W] in which a tensor of two to five axes lies: missing spatial axes come first. */
export function volumeDims(dims: Shape): Shape {
  const [n = 1, c = 1, ...spatial] = dims
  return [n, c, ...[1, 1, 1].slice(spatial.length), ...spatial]
}

/** The axis of the volume that a tensor of this many axes has as its axis `axis`. */
export function volumeAxis(axis: number, rank: number): number {
  return axis < 2 ? axis : axis + 5 - rank
}

export function asVolume({ dims, value }: DeviceTensor): Value {
  return value.layout === 'volume' ? value : reshape(value, volumeDims(dims), { layout: 'volume' })
}

export function asFlat({ dims, value }: DeviceTensor): Value {
  // A scalar is [1] here.
  const shape = dims.length === 0 ? [1] : dims
  return value.layout === 'flat' && value.shape.join() === shape.join()
    ? value
    : reshape(value, shape, { layout: 'flat' })
}

/** The result of an op as a tensor of an ONNX graph; `dims` are needed if there are fewer axes than its volume has. */
export function tensorOf(value: Value, dims: Shape = value.shape): DeviceTensor {
  return { dims, value }
}

/** A volume as a tensor with `rank` axes, 3 to 5. */
export function volumeTensor(value: Value, rank: number): DeviceTensor {
  const [n, c, ...spatial] = value.shape as [number, number, ...number[]]
  return { dims: [n, c, ...spatial.slice(5 - rank)], value }
}

/** Numbers that are known, on the device. */
export function onDevice(name: string, { dims, data }: OnnxConstant, shape: Shape = dims): DeviceTensor {
  const extents = shape.length === 0 ? [1] : shape
  return { dims, value: constant(name, extents, Float32Array.from(data)) }
}

/** A list of numbers, or a single one. */
export function known(numbers: readonly number[] | number, integer = true): OnnxConstant {
  const list = typeof numbers === 'number' ? [numbers] : numbers
  return {
    dims: typeof numbers === 'number' ? [] : [list.length],
    integer,
    data: integer ? Float64Array.from(list) : Float32Array.from(list),
  }
}

/** The same elements in another shape. */
export function shaped(x: Tensor, dims: readonly number[]): Tensor {
  if (isKnown(x)) {
    if (dims.reduce((product, n) => product * n, 1) !== x.data.length)
      throw new Error(`${x.data.length} numbers do not fill [${dims.slice(0, 8).join(', ')}]`)
    return { ...x, dims } satisfies OnnxConstant
  }
  const shape = dims.length === 0 ? [1] : dims
  return { dims, value: reshape(x.value, shape, { layout: 'flat' }) } satisfies DeviceTensor
}
