import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { fromArray, type NdArray } from '../../reference/nd-array.js'

/** A node as it is in the file. */
export interface DecodedNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>
}

/** What a test needs of an ONNX file. */
export interface DecodedModel {
  readonly opset: number
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: readonly DecodedNode[]
  readonly constants: ReadonlyMap<string, NdArray>
  /** Sizes, or the names of sizes that are open. */
  readonly inputs: ReadonlyMap<string, readonly (number | string)[]>
  readonly outputs: ReadonlyMap<string, readonly (number | string)[]>
}

/** The values of a message by the number of their field. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>

/** Decodes an ONNX file by the field numbers of onnx.proto, independent of the writer under test. */
export function decodeOnnx(bytes: Uint8Array): DecodedModel {
  const model = fieldsOf(bytes)
  const graph = messages(model, 7)[0]!
  return {
    opset: number(messages(model, 8)[0]!, 2),
    metadata: Object.fromEntries(messages(model, 14).map((entry) => [text(entry, 1), text(entry, 2)])),
    nodes: messages(graph, 1).map(decodeNode),
    constants: new Map(messages(graph, 5).map((tensor) => [text(tensor, 8), decodeTensor(tensor)])),
    inputs: new Map(messages(graph, 11).map(decodeValue)),
    outputs: new Map(messages(graph, 12).map(decodeValue)),
  }
}

function decodeNode(node: Fields): DecodedNode {
  const attributes = messages(node, 5).map((attribute) => {
    const value = {
      1: () => number(attribute, 2),
      2: () => number(attribute, 3),
      3: () => text(attribute, 4),
      7: () => numbers(attribute, 8),
    }[number(attribute, 20)]
    if (!value) throw new Error(`an attribute of type ${number(attribute, 20)}`)
    return [text(attribute, 1), value()] as const
  })
  return {
    op: text(node, 4),
    inputs: all(node, 1).map((name) => utf8(name)),
    output: text(node, 2),
    attributes: Object.fromEntries(attributes),
  }
}

function decodeTensor(tensor: Fields): NdArray {
  const raw = Uint8Array.from(all(tensor, 9)[0] as Uint8Array).buffer
  const isFloat = number(tensor, 2) === 1
  const values = isFloat ? new Float32Array(raw) : Array.from(new BigInt64Array(raw), Number)
  return fromArray(numbers(tensor, 1), values)
}

function decodeValue(value: Fields): [string, (number | string)[]] {
  const tensor = messages(messages(value, 2)[0]!, 1)[0]!
  const sizes = messages(messages(tensor, 2)[0]!, 1)
  return [text(value, 1), sizes.map((size) => (size.has(1) ? number(size, 1) : text(size, 2)))]
}

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, (Uint8Array | number)[]>()
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    const values = fields.get(field) ?? []
    fields.set(field, values)
    if (type === WireType.LengthDelimited) values.push(reader.bytes())
    else values.push(type === WireType.Bit32 ? reader.float() : Number(reader.int64()))
  }
  return fields
}

const all = (fields: Fields, field: number) => fields.get(field) ?? []
const messages = (fields: Fields, field: number) =>
  all(fields, field).map((value) => fieldsOf(value as Uint8Array))
const numbers = (fields: Fields, field: number) => all(fields, field).map(Number)
const number = (fields: Fields, field: number) => numbers(fields, field)[0]!
const utf8 = (value: Uint8Array | number) => new TextDecoder().decode(value as Uint8Array)
const text = (fields: Fields, field: number) => utf8(all(fields, field)[0] ?? new Uint8Array(0))
