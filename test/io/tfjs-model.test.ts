import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTfjsModel } from '../../src/io/tfjs-files.js'
import { decodeTfjsModel, describeTfjsModel } from '../../src/io/tfjs-model.js'
import { makeTfjs, type MadeLayer, type TfjsJson } from './make-tfjs.js'

const layers: readonly MadeLayer[] = [
  { name: 'a_gn', inputs: 1, outputs: 3, kernel: 3, dilation: 2, bias: false, activation: 'gelu' },
  { name: 'b', inputs: 3, outputs: 2, kernel: 1, dilation: 1, bias: true, activation: 'elu' },
]
const made = () => makeTfjs(layers)
const floatsOf = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer)

describe('describeTfjsModel and decodeTfjsModel', () => {
  it('read layers, their weights channels first, and which of them are normalised', () => {
    const { model, bin } = made()
    const description = describeTfjsModel(JSON.stringify(model))
    expect([description.shards, description.bytes]).toEqual([['model.bin'], 4 * (27 * 3 + 3 * 2 + 2)])
    const [a, b] = decodeTfjsModel(description, [bin])
    expect(a).toMatchObject({ name: 'a_gn', shape: [3, 1, 3, 3, 3], dilation: [2, 2, 2], normalised: true })
    expect(b).toMatchObject({ shape: [2, 3, 1, 1, 1], normalised: false, activation: 'elu' })
    const numbers = floatsOf(bin)
    // Weight [co, 0, d, h, w] lies at [d, h, w, 0, co].
    expect(a!.weight[2 * 27 + 14]).toBe(numbers[14 * 3 + 2])
    expect(a!.bias).toBeUndefined()
    expect(Array.from(b!.weight)).toEqual([81, 83, 85, 82, 84, 86].map((at) => numbers[at]))
    expect(b!.bias).toEqual(numbers.slice(87))
  })

  it('join the files of weights wherever they are cut', () => {
    const { model, bin } = made()
    const whole = decodeTfjsModel(describeTfjsModel(JSON.stringify(model)), [bin])
    model.weightsManifest[0]!.paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin']
    const description = describeTfjsModel(JSON.stringify(model))
    expect(decodeTfjsModel(description, [bin.subarray(0, 37), bin.subarray(37)])).toEqual(whole)
  })

  const first = ({ modelTopology }: TfjsJson) => modelTopology.model_config.config.layers[1]!
  it.each<[string, (model: TfjsJson) => void, RegExp]>([
    ['a path upwards', (m) => (m.weightsManifest[0]!.paths = ['../secret.bin']), /"\.\.\/secret\.bin": must be the name of a file/],
    ['an absolute path', (m) => (m.weightsManifest[0]!.paths = ['/etc/passwd']), /must be the name of a file/],
    ['a path of Windows', (m) => (m.weightsManifest[0]!.paths = ['..\\secret']), /must be the name of a file/],
    ['an address', (m) => (m.weightsManifest[0]!.paths = ['https://a/b']), /must be the name of a file/],
    ['a hidden file', (m) => (m.weightsManifest[0]!.paths = ['.netrc']), /must be the name of a file/],
    ['huge weights', (m) => (m.weightsManifest[0]!.weights[0]!.shape = [2 ** 20, 2 ** 20]), /more than 67108864 bytes of weights/],
    ['other weights', (m) => (m.weightsManifest[0]!.weights[0]!.shape = [3, 3, 3, 3, 1]), /layer "a_gn": its kernel is \[3, 3, 3, 3, 1\], not \[3, 3, 3, 1, 3\]/],
    ['missing weights', (m) => m.weightsManifest[0]!.weights.pop(), /layer "b": its bias is not among the weights/],
    ['a weight twice', (m) => m.weightsManifest[0]!.weights.push(m.weightsManifest[0]!.weights[0]!), /listed twice/],
    ['quantised weights', (m) => (m.weightsManifest[0]!.weights[0]!.quantization = {}), /quantised/],
    ['another layer', (m) => (first(m).class_name = 'MaxPooling3D'), /layer "a_gn": is a "MaxPooling3D"/],
    ['strides', (m) => (first(m).config.strides = [2, 2, 2]), /strides of 1/],
    ['an even kernel', (m) => (first(m).config.kernel_size = [2, 2, 2]), /odd/],
    ['no padding', (m) => (first(m).config.padding = 'valid'), /padding "same"/],
    ['a dilation of 0', (m) => (first(m).config.dilation_rate = [0, 1, 1]), /dilation_rate/],
    ['a strange activation', (m) => (first(m).config.activation = 'softmax'), /activation "softmax"/],
    ['a branch', (m) => (first(m).inbound_nodes = [[['b', 0, 0, {}]]]), /does not follow the layer before it/],
    ['no layers', (m) => (m.modelTopology.model_config.config.layers = []), /has no convolution/],
    ['no weights', (m) => (m.weightsManifest = []), /no weightsManifest/],
  ])('refuse %s', (_, change, message) => {
    const { model } = made()
    change(model)
    expect(() => describeTfjsModel(JSON.stringify(model), 'model.json')).toThrow(message)
  }) // prettier-ignore

  it('refuse what is not a model, and weights that are not finite', () => {
    expect(() => describeTfjsModel('[]', 'x.json')).toThrow('x.json: is not JSON with a model in it')
    const { model, bin } = made()
    const numbers = floatsOf(bin)
    numbers[3] = NaN
    const description = describeTfjsModel(JSON.stringify(model))
    expect(() => decodeTfjsModel(description, [new Uint8Array(numbers.buffer)])).toThrow('weight 3 is NaN')
    expect(() => decodeTfjsModel(description, [bin.subarray(4)])).toThrow(
      /take 356 bytes, but the files hold 352/,
    )
  })
})

describe('readTfjsModel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sae-tfjs-'))
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('reads a folder, or its model.json, and checks the length of the weights before it reads them', async () => {
    const { model, bin } = made()
    writeFileSync(join(folder, 'model.json'), JSON.stringify(model))
    await expect(readTfjsModel(folder)).rejects.toThrow(/model\.bin: cannot be read: no such file/)
    writeFileSync(join(folder, 'model.bin'), bin)
    const layers = await readTfjsModel(folder)
    expect(layers.map(({ name }) => name)).toEqual(['a_gn', 'b'])
    expect(await readTfjsModel(join(folder, 'model.json'))).toEqual(layers)
    writeFileSync(join(folder, 'model.bin'), new Uint8Array(bin.length + 1))
    await expect(readTfjsModel(folder)).rejects.toThrow(/take 356 bytes, but .*model\.bin hold 357/)
  })
})
