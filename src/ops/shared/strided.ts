import type { KernelCall, Work } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { planeSize, type Value } from '../../graph/value.js'
import { fits, slabs, type Slab, type Window } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { memoryAxes, stridesOf, type Form } from './axes.js'

/** How a copy walks along one axis of its output. */
export interface StridedAxis {
  /** Positions that are copied. */
  readonly extent: number
  /** The output's first position. Default 0. */
  readonly start?: number
  /** Elements of the input from one position to the next: 0 repeats one, a negative stride walks backwards. */
  readonly stride: number
  /** If given, the input's position is (c - low) / spacing rather than c; the copy fills if there is none. */
  readonly gap?: Gap | undefined
}

interface Gap {
  readonly low: number
  readonly spacing: number
  /** Positions of the input. */
  readonly length: number
}

/** What a copy writes to a box of its output. */
export interface Piece {
  readonly input: Value
  /** The input's element at position 0 of every axis. Default 0. */
  readonly origin?: number
  /** The axes of the output, in the order of its shape. */
  readonly axes: readonly StridedAxis[]
}

/** Axes that the kernel walks. */
const mostAxes = 6

/** A copy of one value: an op. */
export interface StridedCopy extends Piece {
  /** For messages and times. */
  readonly name: string
  readonly output: Form
  /** Another form in the same order of memory that describes the copy. Default: that of the output. */
  readonly view?: Form
  /** What is written if the input has no element. Default 0. */
  readonly fill?: number
  /** The gradient of the input, given that of the output; labels have none. */
  readonly gradient: (gradOutput: Value) => Value
}

/** Applies an op that copies a value with any strides. @throws Error if more than six axes change places */
export function stridedCopy({ name, output, view = output, fill, gradient, ...piece }: StridedCopy): Value {
  const { input } = piece
  return op({
    name,
    inputs: { input },
    output: { ...output, dtype: input.dtype },
    ...stridedWork(name, [piece], view, fill),
    backward: input.dtype === 'f32' ? (gradOutput) => ({ input: gradient(gradOutput) }) : undefined,
  })
}

/**
 * The work of an output that is copied from some values with any strides, and how it is cut along depth.
 *
 * @param to shape and layout of the output, or others in the same order of memory that describe the copy
 * @param fill what is written if the input has no element
 * @throws Error if more than six axes change places
 */
export function stridedWork(name: string, pieces: readonly Piece[], to: Form, fill = 0): Work<Value> {
  const isVolume = to.layout === 'volume'
  const depth = isVolume ? to.shape[2]! : 1
  const everything = { first: 0, end: to.shape[0]! * depth }
  requireFewAxes(name, pieces, to)
  const sources = new Map<Value, readonly number[] | undefined>()
  const copies = (output: Value, slab: Slab) =>
    boxes(slab, depth).flatMap((box) =>
      pieces.flatMap((piece) => {
        const steps = walk(piece, to, box)
        return steps ? [{ piece, steps, windows: windowsOf(piece, steps, output) }] : []
      }),
    )
  return {
    planes: isVolume ? everything.end : undefined,
    reads: (input, { first, end }) => {
      if (!sources.has(input)) sources.set(input, isVolume ? sourcePlanes(pieces, to, input) : undefined)
      const planes = sources.get(input)
      return planes && { first: planes[first]!, end: planes[end - 1]! + 1 }
    },
    emit: (output, device, range) => {
      const all = isVolume ? range : everything
      const windows = (slab: Slab) => copies(output, slab).flatMap((copy) => Object.values(copy.windows))
      return (fits(windows(all), device) ? [all] : slabs(all, device, windows)).flatMap((slab) =>
        copies(output, slab).map(({ piece, steps, windows }) => call(piece, steps, windows, fill)),
      )
    },
  }
}

/** Positions along the two outermost axes in memory: images, and planes of an image. */
type Box = readonly [Slab, Slab]

/** A slab of planes n*D+z as boxes: of whole images, or of planes of a single one. */
function boxes({ first, end }: Slab, depth: number): Box[] {
  const result: Box[] = []
  for (let at = first; at < end;) {
    const [n, z] = [Math.floor(at / depth), at % depth]
    const images = z === 0 ? Math.max(1, Math.floor((end - at) / depth)) : 1
    const last = images > 1 ? depth : Math.min(depth, z + end - at)
    result.push([
      { first: n, end: n + images },
      { first: z, end: last },
    ])
    at += (images - 1) * depth + last - z
  }
  return result
}

/** One axis of a box. */
interface Step {
  readonly extent: number
  /** Strides of the input and of the output. */
  readonly from: number
  readonly to: number
  /** Elements of both that the box skips. */
  readonly skipped: readonly [from: number, to: number]
  readonly gap: Gap | undefined
}

/** The steps of a piece within a box, outermost in memory first; undefined if it writes nothing there. */
function walk({ axes }: Piece, to: Form, box: Box): Step[] | undefined {
  const strides = stridesOf(to)
  const steps = memoryAxes(to.layout, axes.length).map((axis, i): Step => {
    const { extent, start = 0, stride, gap } = axes[axis]!
    const cut = i === 0 || (i === 1 && to.layout === 'volume')
    const within = cut ? box[i] : { first: start, end: start + extent }
    const first = Math.max(start, within.first)
    const skipped = first - start
    return {
      extent: Math.min(start + extent, within.end) - first,
      from: stride,
      to: strides[axis]!,
      skipped: [gap ? 0 : skipped * stride, first * strides[axis]!],
      gap: gap && { ...gap, low: gap.low - skipped },
    }
  })
  return steps.every(({ extent }) => extent > 0) ? steps : undefined
}

/** The first elements of a box, in the input (as if it had no gaps) and in the output. */
function origins({ origin = 0 }: Piece, steps: readonly Step[]): [from: number, to: number] {
  return steps.reduce(([from, to], { skipped }) => [from + skipped[0], to + skipped[1]], [origin, 0])
}

/** The windows in which all elements lie that a box reads and writes. */
function windowsOf(piece: Piece, steps: readonly Step[], output: Value): Record<'input' | 'output', Window> {
  const [from, start] = origins(piece, steps)
  let [first, last, end] = [from, from, start + 1]
  for (const { extent, from: stride, to, gap } of steps) {
    // The input's positions at either end; the nearest if there is none.
    const at = (c: number) =>
      gap ? Math.min(Math.max(Math.floor((c - gap.low) / gap.spacing), 0), gap.length - 1) : c
    const ends = [at(0) * stride, at(extent - 1) * stride]
    first += Math.min(...ends)
    last += Math.max(...ends)
    end += (extent - 1) * to
  }
  return { input: { value: piece.input, start: first, end: last + 1 }, output: { value: output, start, end } }
}

/**
 * The input's plane that each plane of a volume reads; undefined if planes read several, or in another order, or if the
 * input is not a volume.
 */
function sourcePlanes(pieces: readonly Piece[], to: Form, input: Value): readonly number[] | undefined {
  if (input.layout !== 'volume') return undefined
  const [batch, , depth] = to.shape as [number, number, number]
  const size = input.size / (input.shape[0]! * input.shape[2]!)
  const sources: number[] = []
  for (let plane = 0; plane < batch * depth; plane++) {
    const [box] = boxes({ first: plane, end: plane + 1 }, depth)
    const steps = pieces
      .filter((piece) => piece.input === input)
      .flatMap((piece) => {
        const steps = walk(piece, to, box!)
        return steps ? [windowsOf(piece, steps, input).input] : []
      })
    // A plane without a source is as if it read that of a neighbour.
    if (steps.length === 0) continue
    const first = Math.floor(Math.min(...steps.map(({ start }) => start)) / size)
    const last = Math.floor((Math.max(...steps.map(({ end }) => end)) - 1) / size)
    if (first !== last || first < (sources.at(-1) ?? 0)) return undefined
    while (sources.length < plane) sources.push(sources.at(-1) ?? first)
    sources.push(first)
  }
  while (sources.length < batch * depth) sources.push(sources.at(-1)!)
  return sources
}

function call(
  piece: Piece,
  steps: readonly Step[],
  bindings: Record<'input' | 'output', Window>,
  fill: number,
): KernelCall {
  const [from, to] = origins(piece, steps)
  const axes = merged(steps).reverse()
  const unsigned = piece.input.dtype === 'u32'
  const [inner, ...outer] = axes
  // A volume's window may start at any plane.
  const windowed = [piece.input, bindings.output.value].filter(({ layout }) => layout === 'volume')
  const vector =
    !unsigned &&
    inner?.from === 1 &&
    inner.to === 1 &&
    !inner.gap &&
    windowed.every((value) => planeSize(value) % 4 === 0) &&
    [from, to, inner.extent, ...outer.flatMap((axis) => [axis.from, axis.to])].every((n) => n % 4 === 0)
  const walked = vector ? [{ ...inner, extent: inner.extent / 4, from: 4, to: 4 }, ...outer] : axes
  const gaps = walked.some(({ gap }) => gap)
  const count = walked.reduce((product, { extent }) => product * extent, 1)
  return {
    shader: shaders.stridedCopy,
    flags: { GAPS: gaps, UNSIGNED: unsigned, VECTOR: vector },
    consts: { AXES: walked.length },
    params: { count, in_start: from, out_start: to, ...(gaps ? { fill } : {}), ...stepParams(walked, gaps) },
    bindings,
    threads: [count],
  }
}

/** The parameters of all axes that the kernel could walk, innermost first. */
function stepParams(steps: readonly Omit<Step, 'skipped'>[], gaps: boolean): Record<string, number> {
  const params: Record<string, number> = {}
  for (let i = 0; i < mostAxes; i++) {
    const { extent, from, to, gap } = steps[i] ?? { extent: 1, from: 0, to: 0 }
    const { low, spacing, length } = gap ?? { low: 0, spacing: 1, length: extent }
    const fields = { extent, in_stride: from, out_stride: to, ...(gaps ? { low, spacing, length } : {}) }
    for (const [name, value] of Object.entries(fields)) params[`${name}${i}`] = value
  }
  return params
}

/** The steps without those of one position, and those joined that continue each other in both values. */
function merged(steps: readonly Step[]): Step[] {
  const result: Step[] = []
  for (const step of steps) {
    const outer = result.at(-1)
    const { extent, from, to, gap } = step
    if (extent === 1 && !gap) continue
    if (outer && !outer.gap && !gap && outer.from === extent * from && outer.to === extent * to)
      result[result.length - 1] = { ...step, extent: outer.extent * extent }
    else result.push(step)
  }
  return result
}

function requireFewAxes(name: string, pieces: readonly Piece[], to: Form): void {
  const everything: Box = [
    { first: 0, end: to.shape[0]! },
    { first: 0, end: to.shape[2] ?? 1 },
  ]
  for (const piece of pieces) {
    const axes = merged(walk(piece, to, everything)!).length
    if (axes > mostAxes)
      throw new Error(
        `${name}: ${piece.input.name} [${piece.input.shape.join(', ')}]: ${axes} axes change places, more than ${mostAxes}`,
      )
  }
}
