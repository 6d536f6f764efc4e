import type { Value } from '../graph/value.js'
import {
  amax,
  avgPool3d,
  conv3d,
  convTranspose3d,
  maxPool3d,
  mean,
  pad,
  reshape,
  type AxesOptions,
  type Triple,
} from '../ops/index.js'
import type { Call, Operator } from './call.js'
import { asVolume, volumeDims, volumeTensor, type DeviceTensor } from './tensor.js'

/** Operations that move a window over [N, C, ...spatial], of one to three spatial axes. */
export const convolutions: Readonly<Record<string, Operator>> = {
  Conv: {
    weights: [1, 2],
    build: (call) => {
      const { input, rank } = spatialInput(call)
      const weight = kernelOf(call)
      const window = windowOf(call, rank, weight.shape.slice(2) as unknown as Triple)
      const groups = call.number('group', 1)
      const { stride, dilation } = window
      const { volume, padding } = evenly(input, paddingOf(call, input, window))
      return volumeTensor(conv3d(volume, weight, biasOf(call), { stride, dilation, padding, groups }), rank)
    },
  },
  ConvTranspose: {
    weights: [1, 2],
    build: (call) => {
      const { input, rank } = spatialInput(call)
      const weight = kernelOf(call)
      const { stride, dilation, pads } = windowOf(call, rank, weight.shape.slice(2) as unknown as Triple)
      call.expect('auto_pad', 'NOTSET', 'VALID')
      const outputPadding = triple(call.list('output_padding'), rank, 0)
      const groups = call.number('group', 1)
      const padding = pads.map(([before, after]) =>
        before === after ? before : call.refuse('pads'),
      ) as unknown as Triple
      const options = { stride, dilation, padding, outputPadding, groups }
      return volumeTensor(convTranspose3d(input, weight, biasOf(call), options), rank)
    },
  },
  MaxPool: {
    build: (call) => {
      const { input, rank } = spatialInput(call)
      call.expect('storage_order', 0)
      return volumeTensor(maxPool3d(input, poolOf(call, input, rank)), rank)
    },
  },
  AveragePool: {
    build: (call) => {
      const { input, rank } = spatialInput(call)
      const window = poolOf(call, input, rank)
      // Without padding, both ways to count it are the same.
      if (call.number('count_include_pad', 0) === 0 && window.padding.some((n) => n > 0))
        call.fail('padding that does not count (count_include_pad = 0) is not supported')
      return volumeTensor(avgPool3d(input, window), rank)
    },
  },
  GlobalAveragePool: pooledGlobally(mean),
  GlobalMaxPool: pooledGlobally(amax),
}

function pooledGlobally(op: (input: Value, options: AxesOptions) => Value): Operator {
  return {
    build: (call) => {
      const { input, rank } = spatialInput(call)
      return volumeTensor(op(input, { axes: [2, 3, 4], keepDims: true }), rank)
    },
  }
}

/** The first operand as a volume, and the number of its axes. */
export function spatialInput(call: Call): { readonly input: Value; readonly rank: number } {
  const tensor = call.device(0)
  const rank = tensor.dims.length
  if (rank < 3 || rank > 5)
    call.fail(`its input is [${tensor.dims.join(', ')}], but one to three spatial axes are needed`)
  return { input: asVolume(tensor), rank }
}

/** The weight as [.., .., kD, kH, kW]. */
function kernelOf(call: Call): Value {
  const { dims, value }: DeviceTensor = call.device(1)
  return reshape(value, volumeDims(dims), { layout: 'flat' })
}

function biasOf(call: Call): Value | undefined {
  return call.optional(2) && call.device(2).value
}

interface Window {
  readonly kernel: Triple
  readonly stride: Triple
  readonly dilation: Triple
  /** Before and after each axis. */
  readonly pads: readonly (readonly [number, number])[]
}

/** One number for each of D, H and W from those of the last axes. */
function triple(numbers: readonly number[] | undefined, rank: number, usual: number): Triple {
  const given = numbers ?? Array<number>(rank - 2).fill(usual)
  return [...Array<number>(5 - rank).fill(usual), ...given] as unknown as Triple
}

/** @param kernel taps, if the weight says so */
function windowOf(call: Call, rank: number, kernel?: Triple): Window {
  const given = call.list('kernel_shape')
  const pads = call.list('pads') ?? Array<number>(2 * (rank - 2)).fill(0)
  const half = pads.length / 2
  const [before, after] = [triple(pads.slice(0, half), rank, 0), triple(pads.slice(half), rank, 0)]
  return {
    kernel: kernel ?? (given ? triple(given, rank, 1) : call.fail('it has no kernel_shape')),
    stride: triple(call.list('strides'), rank, 1),
    dilation: triple(call.list('dilations'), rank, 1),
    pads: before.map((n, axis) => [n, after[axis]!] as const),
  }
}

/** The padding that `auto_pad` asks for, else that of `pads`. */
function paddingOf(call: Call, input: Value, { kernel, stride, dilation, pads }: Window): Window['pads'] {
  const auto = call.text('auto_pad', 'NOTSET')
  if (auto === 'NOTSET') return pads
  if (auto === 'VALID') return kernel.map(() => [0, 0])
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') return call.refuse('auto_pad')
  return kernel.map((taps, axis) => {
    const extent = input.shape[axis + 2]!
    const reach = dilation[axis]! * (taps - 1) + 1
    const total = Math.max(0, (Math.ceil(extent / stride[axis]!) - 1) * stride[axis]! + reach - extent)
    const less = Math.floor(total / 2)
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less]
  })
}

/** The padding that both ends of each axis have in common, and the volume with what one end has more. */
function evenly(input: Value, pads: Window['pads']): { readonly volume: Value; readonly padding: Triple } {
  const padding = pads.map(([before, after]) => Math.min(before, after))
  const margins = pads.map(
    ([before, after], axis) => [before - padding[axis]!, after - padding[axis]!] as const,
  )
  return { volume: pad(input, margins), padding: padding as unknown as Triple }
}

function poolOf(call: Call, input: Value, rank: number) {
  const window = windowOf(call, rank)
  if (window.dilation.some((n) => n !== 1)) call.refuse('dilations')
  const padding = paddingOf(call, input, window).map(([before, after]) =>
    before === after
      ? before
      : call.fail(`padding that differs at the ends of an axis, ${before} and ${after}, is not supported`),
  )
  const { kernel, stride } = window
  const rest = kernel.map(
    (taps, axis) => (input.shape[axis + 2]! + 2 * padding[axis]! - taps) % stride[axis]!,
  )
  if (call.number('ceil_mode', 0) !== 0 && rest.some((n) => n !== 0))
    call.fail('ceil_mode = 1 is only supported if windows end with the volume')
  return { kernelSize: kernel, stride, padding: padding as unknown as Triple }
}
