import { readFileSync } from 'node:fs'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import { readOnnx } from '../../src/io/onnx-read.js'
import { writeOnnx } from '../../src/io/onnx.js'

const exported = readFileSync(new URL('../onnx/golden/volumes.onnx', import.meta.url))

/** A model with one constant `c`, by the numbers of its fields. */
function modelWith(fill: (tensor: BinaryWriter) => BinaryWriter): Uint8Array {
  const message = (field: number, content: Uint8Array) =>
    new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(content).finish()
  const tensor = fill(new BinaryWriter()).tag(8, WireType.LengthDelimited).string('c').finish()
  return message(7, message(5, tensor))
}
const dims = (writer: BinaryWriter, ...sizes: number[]) => {
  for (const size of sizes) writer.tag(1, WireType.Varint).int64(size)
  return writer
}
const typed = (writer: BinaryWriter, type: number) => writer.tag(2, WireType.Varint).int32(type)
const raw = (writer: BinaryWriter, ...bytes: number[]) =>
  writer.tag(9, WireType.LengthDelimited).bytes(Uint8Array.from(bytes))

describe('readOnnx', () => {
  it('reads what writeOnnx writes', () => {
    const model = readOnnx(
      writeOnnx(
        {
          name: 'g',
          inputs: [{ name: 'x', dims: [1, 'channels', 4] }],
          outputs: [{ name: 'y', dims: [1] }],
          constants: [
            { name: 'w', dims: [2, 2], data: Float32Array.of(1, -2, 0.5, 1e-8) },
            { name: 'sizes', dims: [3], data: BigInt64Array.of(-1n, 2n ** 40n, 0n) },
          ],
          nodes: [
            {
              op: 'Thing',
              name: 'thing',
              inputs: ['x', '', 'w'],
              output: 'y',
              attributes: { a: -3, b: 'text', c: [1, -2], d: { float: 0.25 } },
            },
          ],
        },
        { key: 'välue' },
      ),
    )
    expect(model).toEqual({
      opset: 17,
      operations: [
        {
          op: 'Thing',
          name: 'thing',
          inputs: ['x', '', 'w'],
          outputs: ['y'],
          attributes: new Map<string, unknown>([
            ['a', -3],
            ['b', 'text'],
            ['c', [1, -2]],
            ['d', 0.25],
          ]),
        },
      ],
      constants: new Map([
        ['w', { dims: [2, 2], integer: false, data: Float32Array.of(1, -2, 0.5, 1e-8) }],
        ['sizes', { dims: [3], integer: true, data: Float64Array.of(-1, 2 ** 40, 0) }],
      ]),
      inputs: new Map([['x', [1, 'channels', 4]]]),
      outputs: ['y'],
      metadata: { key: 'välue' },
    })
  })

  it("reads PyTorch's files", () => {
    const { opset, inputs, outputs, operations } = readOnnx(exported)
    expect([opset, [...inputs], outputs]).toEqual([16, [['x', [1, 1, 'd', 'h', 'w']]], ['y']])
    const { op, attributes } = operations[0]!
    expect([op, attributes.get('pads')]).toEqual(['Conv', [1, 1, 1, 1, 1, 1]])
  })

  it.each([
    ['half', 10, [0x00, 0x3c, 0x00, 0xc0], false, [1, -2]],
    ['double', 11, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0], false, [1, -2]],
    ['int32', 6, [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff], true, [1, -2]],
    ['int8', 3, [1, 0xfe], true, [1, -2]],
    ['bool', 9, [1, 0], true, [1, 0]],
  ])('reads elements of type %s', (_, type, bytes, integer, numbers) => {
    const { constants } = readOnnx(modelWith((tensor) => raw(typed(dims(tensor, 2), type), ...bytes)))
    const { data, ...rest } = constants.get('c')!
    expect([rest, [...data]]).toEqual([{ dims: [2], integer }, numbers])
  })

  it('reads elements one by one and packed', () => {
    const listed = modelWith((tensor) =>
      typed(dims(tensor, 2), 1).tag(4, WireType.Bit32).float(1.5).tag(4, WireType.Bit32).float(-2),
    )
    const packed = modelWith((tensor) =>
      typed(dims(tensor, 2), 7)
        .tag(7, WireType.LengthDelimited)
        .bytes(new BinaryWriter().int64(3).int64(-4).finish()),
    )
    expect([...readOnnx(listed).constants.get('c')!.data]).toEqual([1.5, -2])
    expect([...readOnnx(packed).constants.get('c')!.data]).toEqual([3, -4])
  })

  it.each([
    ['holds no graph', new Uint8Array(0)],
    ['m.onnx: damaged, or not an ONNX model', Uint8Array.of(0x3a, 0x7f, 1)],
    [
      '"c" has elements of a type that is not read (number 8 of ONNX)',
      modelWith((tensor) => typed(dims(tensor, 1), 8)),
    ],
    ['"c" has 3 bytes, but [2] needs 8', modelWith((tensor) => raw(typed(dims(tensor, 2), 1), 1, 2, 3))],
    ['"c" has 0 numbers, but [2] needs 2', modelWith((tensor) => typed(dims(tensor, 2), 1))],
    [
      '"c" lies in another file',
      modelWith((tensor) => typed(dims(tensor, 2), 1).tag(14, WireType.Varint).int32(1)),
    ],
  ])('says %s', (message, bytes) => {
    expect(() => readOnnx(bytes, 'm.onnx')).toThrow(UserError)
    expect(() => readOnnx(bytes, 'm.onnx')).toThrow(message)
  })

  it('says so if the file is cut off anywhere', () => {
    for (let length = 0; length < exported.length; length += 97)
      try {
        readOnnx(exported.subarray(0, length))
      } catch (error) {
        expect(error).toBeInstanceOf(UserError)
      }
  })
})
