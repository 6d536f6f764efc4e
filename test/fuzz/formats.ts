import { gzipSync, zipSync } from 'fflate'
import { parseDsegTable, formatDsegTable } from '../../src/cli/dseg-table.js'
import { parseIntensities } from '../../src/cli/intensity-file.js'
import { decodeHeader, decodeTensors, decodeVolume } from '../../src/io/formats.js'
import { writeNpy } from '../../src/io/npy.js'
import { writeSafetensors, type Tensor } from '../../src/io/safetensors.js'
import { decodeTfjsModel, describeTfjsModel } from '../../src/io/tfjs-model.js'
import type { Volume } from '../../src/io/volume.js'
import { checkpointInfo } from '../../src/sae/checkpoint.js'
import { parseLabelTable } from '../../src/sae/label-table-file.js'
import { freeSurferTable, toCodes } from '../../src/sae/label-table.js'
import type { NamedTensor } from '../../src/sae/model.js'
import { defaultTraining } from '../../src/sae/settings.js'
import { makeNifti } from '../io/make-nifti.js'
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
import { awkwardNumbers, awkwardTexts, joined, mutateBytes, mutateJson, type Draw } from './mutate.js'

/** A kind of file: how to make a damaged or hostile one, and what reads it. */
export interface Format {
  /** A file that is mostly right. */
  readonly make: (draw: Draw) => Uint8Array
  /** @throws UserError, and nothing else */
  readonly read: (bytes: Uint8Array) => void
}

const { model: network } = makeTfjs([
  { name: 'a_gn', inputs: 1, outputs: 3, kernel: 3, dilation: 2, bias: false, activation: 'gelu' },
  { name: 'b', inputs: 3, outputs: 2, kernel: 1, dilation: 1, bias: true },
])

/** All formats, by name. */
export const formats: Readonly<Record<string, Format>> = {
  nifti: { make: (draw) => damaged(nifti(draw), draw), read: readVolumeNamed('a.nii') },
  'nifti.gz': {
    // Damage within the image, within the packing, behind it.
    make: (draw) => {
      const members = draw.chance(0.2)
        ? [nifti(draw), nifti(draw)]
        : [draw.chance(0.5) ? damaged(nifti(draw), draw) : nifti(draw)]
      const packed = joined(...members.map((member) => gzipSync(member, { level: draw.pick([0, 1, 6]) })))
      return draw.chance(0.6) ? mutateBytes(packed, draw) : packed
    },
    read: readVolumeNamed('a.nii.gz'),
  },
  npy: { make: (draw) => damaged(npy(draw), draw), read: readVolumeNamed('a.npy') },
  npz: {
    make: (draw) => {
      const array = draw.chance(0.5) ? damaged(npy(draw), draw) : npy(draw)
      const entries: Record<string, Uint8Array> = {
        [draw.chance(0.8) ? 'vol_data.npy' : entryName(draw)]: array,
      }
      if (draw.chance(0.3)) entries[entryName(draw)] = npy(draw)
      const archive = zipSync(entries, { level: draw.pick([0, 6]) })
      return draw.chance(0.7) ? mutateBytes(archive, draw) : archive
    },
    read: readVolumeNamed('a.npz'),
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
  json: {
    make: (draw) => {
      const value = mutateJson(draw.pick([freeSurferTable, intensities]), draw, 0.02)
      const bytes = Buffer.from(JSON.stringify(value))
      return draw.chance(0.3) ? mutateBytes(bytes, draw) : Uint8Array.from(bytes)
    },
    read: readTable('a.json'),
  },
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
  tsv: {
    make: (draw) => {
      const table = formatDsegTable(freeSurferTable, draw.pick(['codes', 'classes'] as const))
      const cells = table.split('\n').map((line) => line.split('\t'))
      for (let changes = draw.whole(5); changes > 0; changes--) {
        const row = draw.pick(cells)
        const cell = draw.pick<() => string>([
          () => draw.pick(awkwardTexts),
          () => String(draw.pick(awkwardNumbers)),
        ])()
        row.splice(draw.whole(row.length), draw.whole(3), ...(draw.chance(0.8) ? [cell] : []))
      }
      const bytes = Buffer.from(cells.map((row) => row.join('\t')).join('\n'))
      return draw.chance(0.4) ? mutateBytes(bytes, draw) : Uint8Array.from(bytes)
    },
    read: readTable('a.tsv'),
  },
}

const intensities = {
  classes: [
    { codes: [0], components: [{ weight: 1, mean: 0.1, deviation: 0.02 }] },
    {
      codes: [3, 42],
      components: [
        { weight: 0.5, mean: 0.25, deviation: 0.03 },
        { weight: 1, mean: 0.3, deviation: 0 },
      ],
    },
  ],
}

/** Most of the time something is wrong. */
function damaged(bytes: Uint8Array, draw: Draw): Uint8Array {
  return draw.chance(0.85) ? mutateBytes(bytes, draw) : bytes
}

function nifti(draw: Draw): Uint8Array {
  const awkward = (usual: number): number => (draw.chance(0.06) ? draw.pick(awkwardNumbers) : usual)
  const size = [1 + draw.whole(4), 1 + draw.whole(4), 1 + draw.whole(4), draw.pick([1, 1, 2])]
  const values = Array.from({ length: size.reduce((a, b) => a * b) }, () => draw.whole(100))
  const whole = (value: number): number => Math.trunc(Math.abs(value)) % 2 ** 53
  return makeNifti({
    version: draw.pick([1, 2]),
    littleEndian: draw.chance(0.8),
    dims: [awkward(4), ...size.map(awkward)].map(whole),
    values,
    datatype: awkward(draw.pick([2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280])),
    slope: awkward(draw.pick([0, 1, 2])),
    inter: awkward(0),
    pixdim: [1, 1, 1, 1].map(awkward),
    units: whole(awkward(2)) % 256,
    qformCode: whole(awkward(1)) % 2 ** 15,
    sformCode: whole(awkward(1)) % 2 ** 15,
    quaternion: [0, 0, 1].map(awkward),
    sform: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ].map((row) => row.map(awkward)),
    ...(draw.chance(0.1) ? { voxOffset: whole(draw.pick(awkwardNumbers)) } : {}),
    ...(draw.chance(0.1) ? { extension: whole(draw.pick(awkwardNumbers)) % 2 ** 31 } : {}),
  })
}

function npy(draw: Draw): Uint8Array {
  const shape = Array.from({ length: draw.pick([2, 3, 3, 3, 4, 4, 5]) }, () => 1 + draw.whole(3))
  const count = shape.reduce((a, b) => a * b)
  const type = draw.pick([Uint8Array, Int16Array, Int32Array, Float32Array, Float64Array])
  const bytes = writeNpy({ shape, data: new type(count) })
  if (draw.chance(0.6)) return bytes
  // Another header of the same length.
  const header = Buffer.from(bytes.subarray(10, 128)).toString('latin1')
  const changed = draw.pick<() => string>([
    () =>
      header.replace(
        /\(.*\)/,
        `(${Array.from({ length: draw.whole(40) }, () => draw.pick([1, 1, 1, 0, 99999999999999])).join(
          ', ',
        )})`,
      ),
    () => header.replace(/'[|<][^']*'/, `'${draw.pick(['>f4', '|O', '<c16', '>i8', '<U9', '|b1', '<f2'])}'`),
    () => header.replace('False', 'True'),
    () => header.replace(/'descr'/, draw.pick(["'shape'", "'descr':'descr'", '"descr"'])),
  ])()
  bytes.set(Buffer.from(changed.padEnd(118).slice(0, 118), 'latin1'), 10)
  return bytes
}

function entryName(draw: Draw): string {
  return draw.pick(['a.npy', '__proto__.npy', 'constructor.npy', '../../x.npy', '\x1b[2J.npy', 'b.txt'])
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

function readVolumeNamed(source: string): (bytes: Uint8Array) => void {
  return (bytes) => {
    const volume: Volume = decodeVolume(bytes, source)
    const { channels, grid } = decodeHeader(bytes, source) ?? volume
    const [D, H, W] = volume.grid.shape
    if (channels !== volume.channels || grid.shape.join() !== volume.grid.shape.join())
      throw new Error('two shapes')
    if (volume.data.length !== channels * D * H * W) throw new Error('data of another shape')
  }
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

function readTable(source: string): (bytes: Uint8Array) => void {
  return (bytes) => {
    const content = new TextDecoder().decode(bytes)
    if (content.includes('components')) {
      parseIntensities(content, source)
      return
    }
    const table = source.endsWith('.tsv') ? parseDsegTable(content, source)?.table : undefined
    const { classes } = table ?? parseLabelTable(content, source)
    // Codes survive being written.
    const codes = toCodes(
      Uint8Array.from(classes, (_, c) => c),
      { classes },
    )
    if (classes.some((entry, c) => entry.codes[0] !== codes[c])) throw new Error('a code that changes')
  }
}
