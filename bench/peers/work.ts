import { writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createModel, defaultArchitecture } from '../../src/sae/model.js'
import { seededRandom } from '../../src/nn/index.js'

export const classes = 14

/** `--items` of the command. */
export const items = ['conv', 'transposed', 'unet', 'step', 'segment'] as const
export type Item = (typeof items)[number]

/** What is computed of a single layer. */
export const layerParts = ['forward', 'grad input', 'grad weight'] as const

export type WorkName =
  | `conv ${(typeof layerParts)[number]}`
  | `transposed k ${2 | 3} ${(typeof layerParts)[number]}`
  | 'unet forward'
  | 'unet forward + backward'
  | 'step'
  | 'segment'

export type Extents = readonly [number, number, number]

/** `--sizes` of the command. */
const sizes: Readonly<Record<string, Extents>> = {
  xs: [16, 16, 16],
  s: [32, 48, 32],
  m: [80, 96, 112],
  l: [160, 192, 224],
}

const convolution: Extents = [32, 96, 112]

/** Transposed convolutions of stride 2 that double this grid, as in the decoder of a U-Net. */
const transposed = { extents: [40, 48, 56], inputs: 16, outputs: 8 } as const

/** Edge length of a transposed convolution's kernel. */
export function kernelOf(name: WorkName): number {
  return Number(/\bk (\d)/.exec(name)![1])
}

/** A piece of work for every peer; pytorch.py uses the same name. */
export interface Work {
  readonly name: WorkName
  readonly extents: Extents
  /** Floating-point operations, if they are nearly all of the work. */
  readonly flops?: number
}

/** A tensor in a raw float32 file, NCDHW. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly file: string
}

/** The selected work, small sizes first. */
export function listWork(wanted: readonly Item[], sizeNames: readonly string[]): Work[] {
  const flops = 2 * 27 * classes * classes * voxelsOf(convolution)
  const work: Work[] = []
  if (wanted.includes('conv'))
    for (const part of layerParts) work.push({ name: `conv ${part}`, extents: convolution, flops })
  if (wanted.includes('transposed'))
    for (const k of [2, 3] as const) {
      const { extents, inputs, outputs } = transposed
      const flops = 2 * k ** 3 * inputs * outputs * voxelsOf(extents)
      for (const part of layerParts) work.push({ name: `transposed k ${k} ${part}`, extents, flops })
    }
  for (const size of sizeNames) {
    const extents = sizes[size]
    if (!extents) throw new Error(`no size ${size}; there are ${Object.keys(sizes).join(', ')}`)
    if (wanted.includes('unet'))
      work.push({ name: 'unet forward', extents }, { name: 'unet forward + backward', extents })
    if (wanted.includes('step')) work.push({ name: 'step', extents })
    if (wanted.includes('segment')) work.push({ name: 'segment', extents })
  }
  return work
}

function voxelsOf(extents: Extents): number {
  return extents.reduce((a, b) => a * b)
}

/** Writes the inputs and weights of a piece of work into a folder, unless they are there already. */
export function writeTensors(work: Work, folder: string): Record<string, Tensor> {
  const { extents } = work
  const tensors: Record<string, Tensor> = {}
  const write = (name: string, shape: readonly number[], make: () => Float32Array) => {
    const file = join(folder, `${name}-${shape.join('x')}.f32`)
    if (!existsSync(file)) writeFileSync(file, make())
    tensors[name] = { shape, file }
  }
  const volume = (name: string, channels: number, scale = 1) => {
    const shape = [1, channels, ...extents.map((extent) => scale * extent)]
    write(name, shape, () => uniform(name, channels * scale ** 3 * voxelsOf(extents)))
  }
  const weights = (shape: readonly number[]) => {
    const count = shape.reduce((a, b) => a * b)
    write('weight', shape, () =>
      uniform('weight', count).map((u) => (2 * u - 1) / Math.sqrt(count / shape[0]!)),
    )
  }
  if (work.name.startsWith('conv')) {
    volume('x', classes)
    volume('incoming', classes)
    weights([classes, classes, 3, 3, 3])
    return tensors
  }
  if (work.name.startsWith('transposed')) {
    const { inputs, outputs } = transposed
    const k = kernelOf(work.name)
    volume('x', inputs)
    volume('incoming', outputs, 2)
    weights([inputs, outputs, k, k, k])
    return tensors
  }
  volume('scan', 1)
  // Initial weights will do: no peer's speed depends on their values.
  for (const { name, shape, initial } of createModel(defaultArchitecture(classes)).parameters)
    write(name, shape, () => initial as Float32Array)
  if (work.name === 'step' || work.name === 'segment')
    write('prior', [1, classes, ...extents], () => prior(voxelsOf(extents)))
  if (work.name === 'step') {
    volume('noise', classes)
    write('mrf table', [classes, classes], () =>
      uniform('table', classes ** 2).map((u) => Math.log(0.01 + u)),
    )
    write('reconstruction weight', [1], () => Float32Array.of(1))
  }
  return tensors
}

/** Numbers in [0, 1), seeded by the name. */
function uniform(name: string, count: number): Float32Array {
  const random = seededRandom(Array.from(name).reduce((seed, letter) => 31 * seed + letter.charCodeAt(0), 0))
  const numbers = new Float32Array(count)
  // The factor keeps numbers from being rounded to 1: the noise takes the logarithm of their logarithm.
  for (let i = 0; i < count; i++) numbers[i] = random() * (1 - 2 ** -24)
  return numbers
}

/** Class probabilities; a third of them are 0, to exercise the support mask. */
function prior(voxels: number): Float32Array {
  const numbers = uniform('prior', classes * voxels)
  for (let i = 0; i < voxels; i++) {
    let sum = 0
    for (let c = 0; c < classes; c++) {
      const at = c * voxels + i
      numbers[at] = Math.max(numbers[at]! - 1 / 3, c === i % classes ? 0.1 : 0)
      sum += numbers[at]
    }
    for (let c = 0; c < classes; c++) numbers[c * voxels + i]! /= sum
  }
  return numbers
}
