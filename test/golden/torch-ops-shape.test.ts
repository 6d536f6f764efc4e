/** The ops that move, multiply and sum elements, and their references, against what PyTorch computes (torch_ops.py). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/graph/value.js'
import { readSafetensors } from '../../src/io/safetensors.js'
import * as ops from '../../src/ops/index.js'
import { differentiate, useGpu, type UintArray } from '../gpu.js'
import * as concat from '../reference/concat.js'
import * as expand from '../reference/expand.js'
import * as gather from '../reference/gather.js'
import * as matmul from '../reference/matmul.js'
import { fromArray, map, relativeError, type NdArray } from '../reference/nd-array.js'
import * as pad from '../reference/pad.js'
import * as reshape from '../reference/reshape.js'
import * as slice from '../reference/slice.js'
import * as softmax from '../reference/softmax.js'
import * as split from '../reference/split.js'
import * as stack from '../reference/stack.js'
import * as sumAxes from '../reference/sum-axes.js'
import * as transpose from '../reference/transpose.js'

const file = 'torch-ops-shape.safetensors'
const { tensors } = readSafetensors(readFileSync(join(import.meta.dirname, file)), file)
const device = useGpu()

/** The inputs of a case, and the gradient of its output. */
interface Arrays {
  readonly x: NdArray
  readonly y: NdArray
  readonly indices: UintArray
  readonly g: NdArray
}

/** One case: on the device, and by the reference as output, gradient of x and gradient of y. */
interface Case {
  readonly build: (v: Readonly<Record<'x' | 'y' | 'indices', Value>>) => Value
  readonly reference: (arrays: Arrays) => NdArray[]
}

const volume = [2, 2, 4, 3, 3]
const whole = (shape: readonly number[]): slice.Range[] => shape.map((extent) => [0, extent, 1])

function shaped(shape: readonly number[]): Case {
  return {
    build: ({ x }) => ops.reshape(x, shape),
    reference: ({ x, g }) => [reshape.forward(x, shape), reshape.backward(g, x).gradInput],
  }
}

function transposed(axes: readonly number[]): Case {
  return {
    build: ({ x }) => ops.transpose(x, axes),
    reference: ({ x, g }) => [transpose.forward(x, axes), transpose.backward(g, axes).gradInput],
  }
}

function sliced(options: ops.SliceOptions, ranges: slice.Range[]): Case {
  return {
    build: ({ x }) => ops.slice(x, options),
    reference: ({ x, g }) => [slice.forward(x, ranges), slice.backward(g, x, ranges).gradInput],
  }
}

function padded(rank: number, margins: readonly ops.Margin[], options: ops.PadOptions): Case {
  const all = [...Array<ops.Margin>(rank - margins.length).fill([0, 0]), ...margins]
  return {
    build: ({ x }) => ops.pad(x, margins, options),
    reference: ({ x, g }) => [
      pad.forward(x, all, options.mode, options.value),
      pad.backward(g, x, all, options.mode).gradInput,
    ],
  }
}

function joined(axis: number): Case {
  return {
    build: ({ x, y }) => ops.concat([x, y], axis),
    reference: ({ x, y, g }) => [
      concat.forward([x, y], axis),
      ...concat.backward(g, [x, y], axis).gradInputs,
    ],
  }
}

function gathered(axis: number): Case {
  return {
    build: ({ x, indices }) => ops.gather(x, indices, axis),
    reference: ({ x, indices, g }) => [
      gather.forward(x, indices, axis),
      gather.backward(g, x, indices, axis).gradInput,
    ],
  }
}

const product: Case = {
  build: ({ x, y }) => ops.matmul(x, y),
  reference: ({ x, y, g }) => {
    const { gradA, gradB } = matmul.backward(g, x, y)
    return [matmul.forward(x, y), gradA, gradB]
  },
}

/** The softmax of 3 x, so that some of its elements are small. */
function normalised(axis: number, log: boolean): Case {
  const [op, forward, backward] = log
    ? [ops.logSoftmax, softmax.logSoftmax, softmax.logSoftmaxBackward]
    : [ops.softmax, softmax.softmax, softmax.softmaxBackward]
  const times = (array: NdArray) => map(array, (value) => 3 * value)
  return {
    build: ({ x }) => op(ops.multiply(x, 3), axis),
    reference: ({ x, g }) => {
      const along = axis < 0 ? axis + x.shape.length : axis
      return [forward(times(x), along), times(backward(g, times(x), along).gradInput)]
    },
  }
}

function summed(axes: readonly number[], keepDims: boolean, mean: boolean): Case {
  return {
    build: ({ x }) => (mean ? ops.mean : ops.sum)(x, { axes, keepDims }),
    reference: ({ x, g }) => {
      const counted = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis))
      const sums = sumAxes.forward(x, counted)
      const scale = mean ? sums.data.length / x.data.length : 1
      const { gradInput } = sumAxes.backward(fromArray(sums.shape, g.data), x)
      return [
        map(fromArray(g.shape, sums.data), (value) => scale * value),
        map(gradInput, (value) => scale * value),
      ]
    },
  }
}

// The names and the arguments of torch_ops.py.
const cases: Record<string, Case> = {
  reshape: shaped([8, 15]),
  reshape_volume: shaped([2, 9, 8]),
  reshape_to_volume: shaped(volume),
  transpose: transposed([2, 0, 1]),
  transpose_volume: transposed([0, 4, 3, 1, 2]),
  slice: sliced({ starts: [1, 3], ends: [6, -1], steps: [2, 1] }, [[1, 6, 2], [3, 8, 1]]),
  slice_volume: sliced(
    { starts: [1, 0, 1, 0], ends: [2, 4, 3, 2], steps: [1, 3, 1, 1], axes: [1, 2, 3, 4] },
    [[0, 2, 1], [1, 2, 1], [0, 4, 3], [1, 3, 1], [0, 2, 1]],
  ),
  mirror_volume: sliced({ starts: [Infinity], steps: [-1], axes: [2] }, whole(volume).with(2, [3, -1, -1])),
  pad: padded(2, [[3, -1], [1, 2]], { value: 1.5 }),
  pad_reflect_volume: padded(5, [[2, 3], [2, 0], [1, 2]], { mode: 'reflect' }),
  pad_edge_volume: padded(5, [[2, 3], [2, 0], [1, 2]], { mode: 'edge' }),
  expand: {
    build: ({ x }) => ops.expand(x, [2, 3, 5, 4]),
    reference: ({ x, g }) => [expand.forward(x, [2, 3, 5, 4]), expand.backward(g, x).gradInput],
  },
  concat: joined(1),
  concat_volume: joined(2),
  stack: {
    build: ({ x, y }) => ops.stack([x, y], -1),
    reference: ({ x, y, g }) => [stack.forward([x, y], 2), ...stack.backward(g, [x, y], 2).gradInputs],
  },
  split: {
    build: ({ x }) => ops.split(x, [2, 4, 1])[1]!,
    reference: ({ x, g }) => {
      const parts = split.forward(x, [2, 4, 1], 1)
      const grads = parts.map((part, i) => (i === 1 ? g : map(part, () => 0)))
      return [parts[1]!, split.backward(grads, 1).gradInput]
    },
  },
  embedding: gathered(0),
  index_select_volume: gathered(2),
  matmul: product,
  matmul_batches: product,
  matmul_tiled: product,
  softmax_last: normalised(-1, false),
  softmax_depth_volume: normalised(2, false),
  log_softmax_first: normalised(0, true),
  log_softmax_width_volume: normalised(4, true),
  sum: summed([0, -1], false, false),
  sum_volume: summed([2, 4], true, false),
  mean: summed([1], false, true),
  mean_volume: summed([0, 1, 3], false, true),
} // prettier-ignore

describe(file, () => {
  it('has these cases', () => {
    expect(new Set([...tensors.keys()].map((name) => name.split('.')[0]))).toEqual(
      new Set(Object.keys(cases)),
    )
  })

  it.each(Object.entries(cases))('%s', async (name, { build, reference }) => {
    const tensor = (part: string): NdArray | undefined => {
      const found = tensors.get(`${name}.${part}`)
      return found && fromArray(found.shape, found.data as Float32Array)
    }
    const x = tensor('x')!
    const [y, g, indices] = [tensor('y'), tensor('grad_output')!, tensor('indices')]
    const numbers = indices && { shape: indices.shape, data: Uint32Array.from(indices.data) }
    const wanted = y ? ['x', 'y'] : ['x']
    const feeds = { x, ...(y && { y }), ...(numbers && { indices: numbers }) }
    const onDevice = await differentiate(device.gpu, feeds, wanted, g, (v) =>
      build(v as Parameters<Case['build']>[0]),
    )
    const byReference = reference({
      x,
      y: y ?? x,
      indices: numbers ?? { shape: [], data: new Uint32Array() },
      g,
    })
    for (const [i, part] of ['output', ...wanted.map((of) => `grad ${of}`)].entries()) {
      const golden = tensor(part.replace(' ', '_'))!
      expect(relativeError(onDevice[part]!, golden), `${part} on the device`).toBeLessThan(1e-6)
      expect(relativeError(byReference[i]!, golden), `${part} of the reference`).toBeLessThan(1e-6)
    }
  })
})
