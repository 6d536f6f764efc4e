import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** A constant of a graph: weights as float32, sizes as int64. */
export interface OnnxTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array
}

/** Whole numbers are ints in ONNX; `{ float }` is a float. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number }

/** An operation. */
export interface OnnxNode {
  /** Its name in ONNX: `Conv`. */
  readonly op: string
  readonly name: string
  /** Names of values; empty for an optional input that is left out. */
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
}

/** An input or an output, float32. */
export interface OnnxValue {
  readonly name: string
  /** A name stands for a size that the caller chooses. */
  readonly dims: readonly (number | string)[]
}

/** A computation, its nodes in an order in which they can run. */
export interface OnnxGraph {
  readonly name: string
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly constants: readonly OnnxTensor[]
  readonly nodes: readonly OnnxNode[]
}

/** Version of the file format, and of the set of operations that goes with it (2022; ONNX Runtime 1.12 and later). */
const IR_VERSION = 8
const OPSET = 17
const TYPE = { float: 1, int64: 7 }
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 }

/**
 * Encodes a graph as an ONNX file (protocol buffers; https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 *
 * @param metadata text under names, for whoever reads the file
 */
export function writeOnnx(graph: OnnxGraph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const model = new Message()
    .int(1, IR_VERSION)
    .text(2, 'sae-webgpu')
    .message(7, encodeGraph(graph))
    .message(8, new Message().text(1, '').int(2, OPSET))
  for (const [key, value] of Object.entries(metadata))
    model.message(14, new Message().text(1, key).text(2, value))
  return model.finish()
}

/** Writes the fields of a message of protocol buffers, each by its number. */
class Message {
  private readonly writer = new BinaryWriter()

  int(field: number, value: number): this {
    this.writer.tag(field, WireType.Varint).int64(value)
    return this
  }

  float(field: number, value: number): this {
    this.writer.tag(field, WireType.Bit32).float(value)
    return this
  }

  text(field: number, value: string): this {
    this.writer.tag(field, WireType.LengthDelimited).string(value)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.writer.tag(field, WireType.LengthDelimited).bytes(value)
    return this
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish())
  }

  finish(): Uint8Array {
    return this.writer.finish()
  }
}

function encodeGraph({ name, nodes, constants, inputs, outputs }: OnnxGraph): Message {
  const message = new Message()
  for (const node of nodes) message.message(1, encodeNode(node))
  message.text(2, name)
  for (const constant of constants) message.message(5, encodeTensor(constant))
  for (const value of inputs) message.message(11, encodeValue(value))
  for (const value of outputs) message.message(12, encodeValue(value))
  return message
}

function encodeNode({ op, name, inputs, output, attributes = {} }: OnnxNode): Message {
  const message = new Message()
  for (const input of inputs) message.text(1, input)
  message.text(2, output).text(3, name).text(4, op)
  for (const [key, value] of Object.entries(attributes)) message.message(5, encodeAttribute(key, value))
  return message
}

function encodeAttribute(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name)
  if (typeof value === 'number') return message.int(3, value).int(20, ATTRIBUTE.int)
  if (typeof value === 'string')
    return message.bytes(4, new TextEncoder().encode(value)).int(20, ATTRIBUTE.string)
  if ('float' in value) return message.float(2, value.float).int(20, ATTRIBUTE.float)
  for (const item of value) message.int(8, item)
  return message.int(20, ATTRIBUTE.ints)
}

function encodeTensor({ name, dims, data }: OnnxTensor): Message {
  const message = new Message()
  for (const size of dims) message.int(1, size)
  return message
    .int(2, data instanceof Float32Array ? TYPE.float : TYPE.int64)
    .text(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
}

function encodeValue({ name, dims }: OnnxValue): Message {
  const shape = new Message()
  for (const size of dims) {
    shape.message(1, typeof size === 'number' ? new Message().int(1, size) : new Message().text(2, size))
  }
  const tensor = new Message().int(1, TYPE.float).message(2, shape)
  return new Message().text(1, name).message(2, new Message().message(1, tensor))
}
