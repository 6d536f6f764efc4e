import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { printable, quoted, UserError } from '../errors.js'
import { float16ToFloat32 } from './safetensors.js'

/** Numbers of an ONNX file. */
export interface OnnxConstant {
  /** Extents; none for a scalar. */
  readonly dims: readonly number[]
  /** Whether they are integers or truth values in the file: sizes, axes. */
  readonly integer: boolean
  /** Row-major. Half and double precision are read as single, integers exactly up to 2^53. */
  readonly data: Float32Array | Float64Array
}

/** Value of an attribute: f, i, s, t, floats or ints of ONNX; undefined for graphs and other types. */
export type OnnxAttributeValue = number | string | OnnxConstant | readonly number[] | undefined

/** Names that PyTorch makes have up to 100 characters in deep networks. */
export const longestName = 100

/** An operation as it is in the file. */
export interface OnnxOperation {
  /** `Conv`; `DOMAIN.Conv` if it is not one of ONNX's own. */
  readonly op: string
  /** Its name, or that of its first output if it has none; printable. */
  readonly name: string
  /** Names of values; empty for an optional input that is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, OnnxAttributeValue>
}

/** An ONNX file. */
export interface OnnxModel {
  /** Version of ONNX's own set of operations. */
  readonly opset: number
  /** In an order in which they can run. */
  readonly operations: readonly OnnxOperation[]
  /** Weights and other constants by name. */
  readonly constants: ReadonlyMap<string, OnnxConstant>
  /** Inputs that are not constants, with their extents; a name or undefined for an extent that is open. */
  readonly inputs: ReadonlyMap<string, readonly (number | string | undefined)[] | undefined>
  /** Names of the outputs. */
  readonly outputs: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Decodes an ONNX model (protocol buffers; https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 *
 * @param source the file's name, for messages
 * @throws UserError if the file is damaged or not an ONNX model, or its weights lie in other files
 */
export function readOnnx(bytes: Uint8Array, source = 'model.onnx'): OnnxModel {
  try {
    return decodeModel(bytes)
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${source}: ${error.message}`)
    throw new UserError(`${source}: damaged, or not an ONNX model`, { cause: error })
  }
}

function decodeModel(bytes: Uint8Array): OnnxModel {
  const model = fieldsOf(bytes)
  const [graph] = messages(model, 7)
  if (!graph) throw new UserError('not an ONNX model: it holds no graph')
  const sets = messages(model, 8).filter((set) => isOwn(text(set, 1)))
  const constants = new Map(messages(graph, 5).map((tensor) => [text(tensor, 8), decodeTensor(tensor)]))
  return {
    opset: integer(sets[0] ?? new Map(), 2) ?? 1,
    operations: messages(graph, 1).map(decodeOperation),
    constants,
    inputs: new Map(
      messages(graph, 11)
        .map(decodeValue)
        .filter(([name]) => !constants.has(name)),
    ),
    outputs: messages(graph, 12).map((value) => text(value, 1)),
    metadata: Object.fromEntries(messages(model, 14).map((entry) => [text(entry, 1), text(entry, 2)])),
  }
}

const isOwn = (domain: string): boolean => domain === '' || domain === 'ai.onnx'

function decodeOperation(node: Fields): OnnxOperation {
  const [op, domain, outputs] = [text(node, 4), text(node, 7), texts(node, 2)]
  return {
    op: isOwn(domain) ? op : `${domain}.${op}`,
    name: printable((text(node, 3) || (outputs[0] ?? '')).replace(/\s/g, ' ')),
    inputs: texts(node, 1),
    outputs,
    attributes: new Map(
      messages(node, 5).map((attribute) => [text(attribute, 1), decodeAttribute(attribute)]),
    ),
  }
}

function decodeAttribute(attribute: Fields): OnnxAttributeValue {
  switch (integer(attribute, 20)) {
    case 1:
      return floats(attribute, 2)[0] ?? 0
    case 2:
      return integer(attribute, 3) ?? 0
    case 3:
      return text(attribute, 4)
    case 4: {
      const [tensor] = messages(attribute, 5)
      return tensor && decodeTensor(tensor)
    }
    case 6:
      return floats(attribute, 7)
    case 7:
      return integers(attribute, 8)
    default:
      return undefined
  }
}

function decodeValue(value: Fields): [string, (number | string | undefined)[] | undefined] {
  const [tensor] = messages(messages(value, 2)[0] ?? new Map(), 1)
  const [shape] = messages(tensor ?? new Map(), 2)
  const sizes = shape && messages(shape, 1).map((size) => integer(size, 1) ?? (text(size, 2) || undefined))
  return [text(value, 1), sizes]
}

/** A type of elements: how raw bytes hold them, and in which field they lie one by one if they are not raw. */
interface Type {
  readonly integer: boolean
  readonly bytes: number
  readonly from: (raw: ArrayBuffer) => Iterable<number>
  readonly listed: (tensor: Fields) => readonly number[]
}

/** By their numbers in ONNX. Files are little-endian, as every machine that runs WebGPU is. */
const types: Readonly<Record<number, Type>> = {
  1: ofType(
    4,
    (raw) => new Float32Array(raw),
    (tensor) => floats(tensor, 4),
    false,
  ),
  2: ofType(1, (raw) => new Uint8Array(raw)),
  3: ofType(1, (raw) => new Int8Array(raw)),
  6: ofType(4, (raw) => new Int32Array(raw)),
  7: ofType(
    8,
    (raw) => Array.from(new BigInt64Array(raw), Number),
    (tensor) => integers(tensor, 7),
  ),
  9: ofType(1, (raw) => new Uint8Array(raw)),
  10: ofType(
    2,
    (raw) => float16ToFloat32(new Uint16Array(raw)),
    () => [],
    false,
  ),
  11: ofType(
    8,
    (raw) => new Float64Array(raw),
    (tensor) => doubles(tensor, 10),
    false,
  ),
}

function ofType(
  bytes: number,
  from: Type['from'],
  listed: Type['listed'] = (tensor) => integers(tensor, 5),
  integer = true,
): Type {
  return { integer, bytes, from, listed }
}

function decodeTensor(tensor: Fields): OnnxConstant {
  const name = quoted(text(tensor, 8), longestName)
  const [dims, code] = [integers(tensor, 1), integer(tensor, 2) ?? 0]
  const type = types[code]
  if (!type) throw new UserError(`${name} has elements of a type that is not read (number ${code} of ONNX)`)
  if (integer(tensor, 14) === 1 || tensor.has(13))
    throw new UserError(`${name} lies in another file; save the model with its weights inside`)
  const size = dims.reduce((product, n) => product * n, 1)
  const [raw] = tensor.get(9) ?? []
  if (raw instanceof Uint8Array && raw.length !== size * type.bytes)
    throw new UserError(
      `${name} has ${raw.length} bytes, but [${dims.join(', ')}] needs ${size * type.bytes}`,
    )
  const numbers = raw instanceof Uint8Array ? type.from(new Uint8Array(raw).buffer) : type.listed(tensor)
  const data = type.integer ? Float64Array.from(numbers) : Float32Array.from(numbers)
  if (data.length !== size)
    throw new UserError(`${name} has ${data.length} numbers, but [${dims.join(', ')}] needs ${size}`)
  return { dims, integer: type.integer, data }
}

/** The values of a message by the number of their field: bytes, or numbers as they were encoded. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, (Uint8Array | number)[]>()
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    const values = fields.get(field) ?? []
    fields.set(field, values)
    if (type === WireType.LengthDelimited) values.push(reader.bytes())
    else if (type === WireType.Bit32) values.push(reader.float())
    else if (type === WireType.Bit64) values.push(reader.double())
    else if (type === WireType.Varint) values.push(Number(reader.int64()))
    else throw new UserError('damaged, or not an ONNX model')
  }
  return fields
}

function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((value) => {
    if (!(value instanceof Uint8Array)) throw new UserError('damaged, or not an ONNX model')
    return fieldsOf(value)
  })
}

function texts(fields: Fields, field: number): string[] {
  const decoder = new TextDecoder()
  return (fields.get(field) ?? []).map((value) => (value instanceof Uint8Array ? decoder.decode(value) : ''))
}

const text = (fields: Fields, field: number): string => texts(fields, field)[0] ?? ''

/** Repeated numbers, one by one or packed. */
function repeated(fields: Fields, field: number, next: (reader: BinaryReader) => number): number[] {
  return (fields.get(field) ?? []).flatMap((value) => {
    if (!(value instanceof Uint8Array)) return value
    const reader = new BinaryReader(value)
    const numbers: number[] = []
    while (reader.pos < reader.len) numbers.push(next(reader))
    return numbers
  })
}

const integers = (fields: Fields, field: number) =>
  repeated(fields, field, (reader) => Number(reader.int64()))
const floats = (fields: Fields, field: number) => repeated(fields, field, (reader) => reader.float())
const doubles = (fields: Fields, field: number) => repeated(fields, field, (reader) => reader.double())
const integer = (fields: Fields, field: number): number | undefined => integers(fields, field)[0]
