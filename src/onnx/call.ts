import { printable, UserError } from '../errors.js'
import { longestName, type OnnxConstant, type OnnxOperation } from '../io/onnx-read.js'
import { isKnown, onDevice, type DeviceTensor, type Tensor } from './tensor.js'

/** How an operation of ONNX is built from our ops. */
export interface Operator {
  /** Inputs that are trained if they are constants of the file. */
  readonly weights?: readonly number[]
  /** Whether such a constant is a weight at all, or a setting. Default: it is a weight. */
  readonly isWeight?: (constant: OnnxConstant) => boolean
  /** Adds nodes to the graph, and returns the output or outputs. */
  readonly build: (call: Call) => Tensor | readonly Tensor[]
}

/** An operation with its operands; what cannot be read is an error that names the operation. */
export class Call {
  private readonly used = new Set<string>()

  constructor(
    readonly operation: OnnxOperation,
    /** Version of ONNX's set of operations. */
    readonly opset: number,
    private readonly operands: readonly (Tensor | undefined)[],
  ) {}

  /** Number of operands, left out ones included. */
  get count(): number {
    return this.operands.length
  }

  /** The operand, if there is one. */
  optional(index: number): Tensor | undefined {
    return this.operands[index]
  }

  input(index: number): Tensor {
    return this.operands[index] ?? this.fail(`input ${index} is missing`)
  }

  /** An operand on the device. */
  device(index: number): DeviceTensor {
    const tensor = this.input(index)
    return isKnown(tensor) ? onDevice(this.operation.inputs[index]!, tensor) : tensor
  }

  /** The numbers of an operand that must be known when the graph is built; undefined if it is left out. */
  known(index: number, what: string): OnnxConstant | undefined {
    const tensor = this.operands[index]
    return !tensor || isKnown(tensor) ? tensor : this.fail(`${what} must be known before the graph runs`)
  }

  /** The same as a list. */
  numbers(index: number, what: string): number[] | undefined {
    const tensor = this.known(index, what)
    return tensor && [...tensor.data]
  }

  number(name: string, usual: number): number {
    const value = this.attribute(name) ?? usual
    return typeof value === 'number' ? value : this.refuse(name)
  }

  text(name: string, usual: string): string {
    const value = this.attribute(name) ?? usual
    return typeof value === 'string' ? value : this.refuse(name)
  }

  list(name: string): readonly number[] | undefined {
    const value = this.attribute(name)
    return value === undefined || Array.isArray(value) ? value : this.refuse(name)
  }

  constant(name: string): OnnxConstant | undefined {
    const value = this.attribute(name)
    return value === undefined || (typeof value === 'object' && 'data' in value) ? value : this.refuse(name)
  }

  /** Accepts an attribute only if it says what is done anyway. */
  expect(name: string, ...accepted: readonly (number | string)[]): void {
    const value = this.attribute(name) ?? accepted[0]!
    if (Array.isArray(value)) {
      if (!value.every((one) => accepted.includes(one as number))) this.refuse(name)
    } else if (!accepted.includes(value as number | string)) this.refuse(name)
  }

  /** An axis counted from the first. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis
    return counted >= 0 && counted < rank ? counted : this.fail(`there is no axis ${axis} of ${rank}`)
  }

  /** @throws UserError naming an attribute and its value */
  refuse(name: string): never {
    const value = this.operation.attributes.get(name)
    const list = Array.isArray(value) ? `[${value.slice(0, 8).join(', ')}]` : undefined
    const one = typeof value === 'string' ? printable(value.replace(/\s/g, ' ')).slice(0, longestName) : value
    const shown = list ?? (typeof one === 'object' ? 'a tensor' : one)
    return this.fail(
      `attribute ${printable(name.replace(/\s/g, ' '))} = ${shown ?? 'of this type'} is not supported`,
    )
  }

  /** @throws UserError naming the operation */
  fail(problem: string): never {
    throw new UserError(`${this.operation.name}: ${this.operation.op}: ${problem}`)
  }

  /** @throws UserError if there is an attribute that nobody asked for: it would be ignored */
  requireAllRead(): void {
    for (const name of this.operation.attributes.keys()) if (!this.used.has(name)) this.refuse(name)
  }

  private attribute(name: string) {
    this.used.add(name)
    return this.operation.attributes.get(name)
  }
}
