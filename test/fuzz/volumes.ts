import { gzipSync, zipSync } from 'fflate'
import { decodeHeader, decodeVolume } from '../../src/io/formats.js'
import { writeNpy } from '../../src/io/npy.js'
import type { Volume } from '../../src/io/volume.js'
import { makeMgh } from '../io/make-mgh.js'
import { makeNifti } from '../io/make-nifti.js'
import { makeAnalyze } from '../io/make-pair.js'
import type { Formats } from './format.js'
import { awkwardNumbers, joined, mutateBytes, type Draw } from './mutate.js'

/** Scans, label maps and priors. */
export const volumes: Formats = {
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
  mgh: { make: (draw) => damaged(mgh(draw), draw), read: readVolumeNamed('a.mgh') },
  mgz: {
    make: (draw) => {
      const packed = gzipSync(draw.chance(0.5) ? damaged(mgh(draw), draw) : mgh(draw), { level: 1 })
      return draw.chance(0.6) ? mutateBytes(packed, draw) : packed
    },
    read: readVolumeNamed('a.mgz'),
  },
  'nifti pair': { make: (draw) => damaged(nifti(draw, 'pair'), draw), read: readPair },
  analyze: { make: (draw) => damaged(analyze(draw), draw), read: readPair },
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
}

/** Most of the time something is wrong. */
function damaged(bytes: Uint8Array, draw: Draw): Uint8Array {
  return draw.chance(0.85) ? mutateBytes(bytes, draw) : bytes
}

function nifti(draw: Draw, kind: 'one file' | 'pair' = 'one file'): Uint8Array {
  const awkward = (usual: number): number => (draw.chance(0.06) ? draw.pick(awkwardNumbers) : usual)
  const size = [1 + draw.whole(4), 1 + draw.whole(4), 1 + draw.whole(4), draw.pick([1, 1, 2])]
  const values = Array.from({ length: size.reduce((a, b) => a * b) }, () => draw.whole(100))
  const whole = (value: number): number => Math.trunc(Math.abs(value)) % 2 ** 53
  return makeNifti({
    ...(kind === 'pair' ? { pair: true, voxOffset: 0 } : {}),
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

function mgh(draw: Draw): Uint8Array {
  const awkward = (usual: number): number => (draw.chance(0.06) ? draw.pick(awkwardNumbers) : usual)
  const size = [1 + draw.whole(4), 1 + draw.whole(4), 1 + draw.whole(4), draw.pick([1, 1, 2])]
  return makeMgh({
    version: awkward(1) | 0,
    dims: size.map((extent) => awkward(extent) | 0),
    values: Array.from({ length: size.reduce((a, b) => a * b) }, () => draw.whole(100)),
    type: awkward(draw.pick([0, 1, 3, 4, 10])) | 0,
    goodRas: draw.pick([1, 1, 1, 0, -1]),
    delta: [1, 1, 1].map(awkward),
    directions: [-1, 0, 0, 0, 0, -1, 0, 1, 0].map(awkward),
    centre: [0, 0, 0].map(awkward),
    tags: new Uint8Array(draw.whole(50)),
  })
}

/** Header and image behind each other. */
function analyze(draw: Draw): Uint8Array {
  const awkward = (usual: number): number => (draw.chance(0.06) ? draw.pick(awkwardNumbers) : usual)
  const size = [1 + draw.whole(4), 1 + draw.whole(4), 1 + draw.whole(4), draw.pick([1, 1, 2])]
  const { header, image } = makeAnalyze({
    littleEndian: draw.chance(0.5),
    dims: [4, ...size].map((extent) => awkward(extent) | 0),
    values: Array.from({ length: size.reduce((a, b) => a * b) }, () => draw.whole(100)),
    datatype: draw.pick([2, 4, 8, 16, 64]),
    slope: awkward(draw.pick([0, 1, 0.5])),
    pixdim: [1, 1, 1, 1].map(awkward),
    orient: draw.whole(7),
    voxOffset: awkward(0),
  })
  return joined(header, image)
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

/** A pair, whose header ends where that of its version does. */
function readPair(bytes: Uint8Array): void {
  const isSecond = [bytes[0], bytes[3]].some((byte, i) => byte === 28 && bytes[1 + i] === 2)
  const [header, image] = isSecond ? [540, 544] : [348, bytes[344] === 110 ? 352 : 348]
  const volume = decodeVolume(bytes.subarray(0, header), 'a.hdr', bytes.subarray(image))
  const said = decodeHeader(bytes.subarray(0, header), 'a.img')!
  if (said.channels !== volume.channels || said.grid.shape.join() !== volume.grid.shape.join())
    throw new Error('two shapes')
}
