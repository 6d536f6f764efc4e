import { readFileSync } from 'node:fs'
import { zipSync } from 'fflate'
import { input } from '../../src/graph/value.js'
import { decodeTensors } from '../../src/io/formats.js'
import { writeSafetensors, type Tensor } from '../../src/io/safetensors.js'
import { decodeTfjsModel, describeTfjsModel } from '../../src/io/tfjs-model.js'
import { onnxNetwork } from '../../src/onnx/index.js'
import { checkpointInfo } from '../../src/sae/checkpoint.js'
import type { NamedTensor } from '../../src/sae/model.js'
import { defaultTraining } from '../../src/sae/settings.js'
import { makeTfjs } from '../io/make-tfjs.js'
import {
  call,
  dict,
  int,
  legacyFile,
  list,
  name,
  none,
  orderedDict,
  pickle,
  tensor,
  text,
  tuple,
} from '../io/make-torch.js'
import type { Formats } from './format.js'
import { awkwardNumbers, awkwardTexts, joined, mutateBytes, mutateJson, type Draw } from './mutate.js'

const { model: network } = makeTfjs([
  { name: 'a_gn', inputs: 1, outputs: 3, kernel: 3, dilation: 2, bias: false, activation: 'gelu' },
  { name: 'b', inputs: 3, outputs: 2, kernel: 1, dilation: 1, bias: true },
])

/** A network that PyTorch exported. */
const onnx = ['volumes', 'modern'].map((name) =>
  readFileSync(new URL(`../onnx/golden/${name}.onnx`, import.meta.url)),
)

/** Weights: ours, PyTorch's, and what describes those of TensorFlow.js. */
export const weights: Formats = {
  tfjs: {
    make: (draw) => {
      const bytes = Buffer.from(JSON.stringify(mutateJson(network, draw, 0.005)))
      return draw.chance(0.2) ? mutateBytes(bytes, draw) : Uint8Array.from(bytes)
    },
    read: (bytes) => {
      const description = describeTfjsModel(new TextDecoder().decode(bytes))
      if (description.bytes < 1e6) decodeTfjsModel(description, [new Uint8Array(description.bytes)])
    },
  },
  onnx: {
    make: (draw) => mutateBytes(Uint8Array.from(onnx[draw.chance(0.5) ? 0 : 1]!), draw),
    read: (bytes) => {
      const network = onnxNetwork(bytes, 'a.onnx')
      const isImages = network.inputs.get('x')?.length === 4
      network(input('x', isImages ? [2, 1, 1, 12, 16] : [1, 1, 4, 8, 4]))
    },
  },
  safetensors: {
    make: (draw) => (draw.chance(0.6) ? mutateBytes(safetensors(draw), draw) : safetensors(draw)),
    read: readWeights('a.safetensors'),
  },
  torch: {
    make: (draw) => {
      const [root, data] = [checkpoint(draw), new Float32Array(12)]
      if (draw.chance(0.7)) {
        const file = legacyFile({ root, storages: [{ key: 'a', data }] })
        return draw.chance(0.5) ? mutateBytes(file, draw) : file
      }
      const content = draw.chance(0.5) ? mutateBytes(pickle(root), draw) : pickle(root)
      const archive = zipSync(
        {
          'x/data.pkl': content,
          'x/data/a': new Uint8Array(data.buffer),
          'x/byteorder': Buffer.from('little'),
        },
        { level: draw.pick([0, 6]) },
      )
      return draw.chance(0.4) ? mutateBytes(archive, draw) : archive
    },
    read: readWeights('a.pth'),
  },
}

/** A network of 2 classes and widths 1, 1, as `sae pretrain` writes it; the metadata, or what they say, damaged. */
function safetensors(draw: Draw): Uint8Array {
  const tensors = new Map<string, Tensor>()
  const add = (key: string, shape: number[]): void => {
    tensors.set(key, { dtype: 'F32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) })
  }
  const layers: [string, number, number][] = [
    ['block0', 1, 1],
    ['block1', 1, 1],
    ['block2', 2, 2],
    ['conv', 2, 2],
  ]
  for (const [layer, inputs, outputs] of layers) {
    add(`encoder.${layer}.weight`, [outputs, inputs, 3, 3, 3])
    add(`encoder.${layer}.bias`, [outputs])
  }
  const progress = { epoch: 1, step: 3, variance: 0.1, errors: [0.1, 0.2] }
  const said: Record<string, unknown> = {
    architecture: {
      classes: 2,
      widths: [1, 1],
      instanceNorm: true,
      parts: [
        { class: 0, share: 0.5 },
        { class: 0, share: 0.5 },
      ],
    },
    classes: {
      classes: [
        { name: 'a', abbreviation: 'a', codes: [0] },
        { name: 'b', abbreviation: 'b', codes: [1] },
      ],
    },
    training: { settings: defaultTraining, progress },
  }
  const metadata = Object.fromEntries(
    Object.entries(said).map(([key, value]) => [
      key,
      (JSON.stringify(draw.chance(0.15) ? mutateJson(value, draw) : value) as string | undefined) ?? '',
    ]),
  )
  const bytes = writeSafetensors(tensors, {
    format: 'sae-webgpu 1',
    intensities: draw.chance(0.9) ? 'robust' : draw.pick(awkwardTexts),
    ...metadata,
  })
  if (draw.chance(0.5)) return bytes
  const length = new DataView(bytes.buffer).getUint32(0, true)
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as unknown
  const changed = Buffer.from(JSON.stringify(mutateJson(header, draw, 0.01)))
  return joined(
    new Uint8Array(BigUint64Array.of(BigInt(changed.length)).buffer),
    changed,
    bytes.subarray(8 + length),
  )
}

function checkpoint(draw: Draw): Uint8Array {
  const count = (usual: number): number => (draw.chance(0.1) ? draw.pick(awkwardNumbers) | 0 : usual)
  const view = (): Uint8Array =>
    tensor({
      key: draw.chance(0.95) ? 'a' : draw.pick(awkwardTexts),
      shape: [count(2), count(2)],
      stride: [count(2), count(1)],
      offset: count(0),
      length: count(12),
      storage: draw.chance(0.95)
        ? 'FloatStorage'
        : draw.pick(['DoubleStorage', 'LongStorage', 'BFloat16Storage', 'system']),
      zip: draw.chance(0.5),
    })
  const other = (depth: number): Uint8Array =>
    draw.pick<() => Uint8Array>([
      () => none,
      () => int(count(1)),
      () => text(draw.pick(awkwardTexts)),
      () =>
        name(
          draw.pick(['os', 'torch', 'builtins', 'Map', 'numpy']),
          draw.pick(['system', 'device', 'eval', 'dtype', '__proto__']),
        ),
      () => call(name('collections', 'OrderedDict')),
      () => view(),
      () => (depth === 0 ? none : list(other(depth - 1), other(depth - 1))),
      () => (depth === 0 ? none : tuple(other(depth - 1))),
      () => (depth === 0 ? none : dict({ [draw.pick(awkwardTexts)]: other(depth - 1) })),
      // A list that holds itself.
      () => Uint8Array.of(0x5d, 0x71, 1, 0x68, 1, 0x61),
    ])()
  return dict({
    u1: orderedDict({
      'module.block0.conv1.weight': view(),
      [draw.chance(0.9) ? 'conv.bias' : draw.pick(awkwardTexts)]: draw.chance(0.9) ? view() : other(2),
    }),
    ...(draw.chance(0.5) ? { u2: dict({ '0.bias': view() }) } : {}),
    ...(draw.chance(0.3) ? { optimizer: other(4) } : {}),
  })
}

function readWeights(source: string): (bytes: Uint8Array) => void {
  return (bytes) => {
    const { tensors, metadata } = decodeTensors(bytes, source)
    const floats = new Map<string, NamedTensor>()
    for (const [key, value] of tensors) {
      if (value.data.length !== value.shape.reduce((a, b) => a * b, 1))
        throw new Error('data of another shape')
      if (value.dtype === 'F32') floats.set(key, value)
    }
    // The reference's checkpoints say nothing of themselves.
    if (source.endsWith('.safetensors')) checkpointInfo({ tensors: floats, metadata }, source)
  }
}
