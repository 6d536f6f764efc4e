import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const float32 = 1
const int64 = 7
const attributeTypes = { integer: 2, text: 3, integers: 7 }

/** The part of protobufjs that is used here; it is not installed when types are checked. */
interface Protobuf {
  load(file: string): Promise<{
    lookupType(name: string): {
      fromObject(value: object): object
      encode(message: object): { finish(): Uint8Array }
    }
  }>
}

type Attributes = Readonly<Record<string, number | string | readonly number[]>>

/** Builds an ONNX model node by node. Tensors are referred to by name. */
export class OnnxModel {
  private readonly nodes: object[] = []
  private readonly initializers: object[] = []
  private readonly inputs: object[] = []
  private readonly outputs: object[] = []
  private names = 0

  input(name: string, shape: readonly number[]): string {
    this.inputs.push({ name, type: typeOf(float32, shape) })
    return name
  }

  output(name: string, of: string, type: 'float32' | 'int64' = 'float32'): void {
    this.nodes.push({ opType: 'Identity', input: [of], output: [name] })
    this.outputs.push({ name, type: typeOf(type === 'int64' ? int64 : float32) })
  }

  constant(name: string, shape: readonly number[], data: Float32Array): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.initializers.push({ name, dims: shape, dataType: float32, rawData })
    return name
  }

  node(opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const output = `t${this.names++}`
    this.nodes.push({ opType, input, output: [output], attribute: Object.entries(attributes).map(attribute) })
    return output
  }

  async bytes(): Promise<Uint8Array> {
    const protobuf = createRequire(import.meta.url)('protobufjs') as Protobuf
    const root = await protobuf.load(fileURLToPath(new URL('onnx.proto', import.meta.url)))
    const type = root.lookupType('onnx.ModelProto')
    const { nodes: node, initializers: initializer, inputs: input, outputs: output } = this
    const message = type.fromObject({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph: { name: 'graph', node, initializer, input, output },
    })
    return type.encode(message).finish()
  }
}

function typeOf(elemType: number, shape?: readonly number[]): object {
  return {
    tensorType: { elemType, ...(shape ? { shape: { dim: shape.map((dimValue) => ({ dimValue })) } } : {}) },
  }
}

function attribute([name, value]: [string, number | string | readonly number[]]): object {
  if (typeof value === 'number') return { name, type: attributeTypes.integer, i: value }
  if (typeof value === 'string')
    return { name, type: attributeTypes.text, s: new TextEncoder().encode(value) }
  return { name, type: attributeTypes.integers, ints: value }
}
