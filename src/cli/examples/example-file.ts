import { deflateSync, inflateSync } from 'node:zlib'
import { isCount, isRecord, parseRecord } from '../../io/json.js'
import { isAxisCode } from '../../io/orientation.js'
import type { PlaneName, SliceGrid } from '../../report/slices.js'
import { voxelsOf } from '../../sae/shape.js'

/** How the segmentation of one scan developed while a network learnt. */
export interface ExampleFile {
  /** As it was given. */
  readonly scan: string
  /** Whether the scan says how it lies. */
  readonly known: boolean
  /** Class after class, the background first. */
  readonly classes: readonly { readonly name: string; readonly colour: string }[]
  readonly planes: readonly ExamplePlane[]
  /** In the order of the run. */
  readonly examples: readonly Example[]
}

/** A plane through the scan. */
export interface ExamplePlane {
  readonly plane: PlaneName
  /** Which plane of the array. */
  readonly depth: number
  /** One voxel thick. */
  readonly grid: SliceGrid
  /** Intensities, black to white. */
  readonly scan: Uint8Array
}

/** The classes of its voxels at one moment. */
export interface Example {
  /** Counted from 1. */
  readonly epoch: number
  /** Counted from 1, over all epochs: the classes are those before its update. */
  readonly step: number
  /** The file of the weights that the run ended with, if they are by these. */
  readonly weights?: string
  /** For each plane. */
  readonly labels: readonly Uint8Array[]
}

const planeNames: readonly string[] = ['axial', 'coronal', 'sagittal'] satisfies PlaneName[]

/** As JSON; voxels are bytes in the order of the array, as zlib and base64 pack them. */
export function encodeExamples({ planes, examples, ...rest }: ExampleFile): string {
  return JSON.stringify({
    ...rest,
    planes: planes.map((plane) => ({ ...plane, scan: pack(plane.scan) })),
    examples: examples.map((example) => ({ ...example, labels: example.labels.map(pack) })),
  })
}

/** Undefined if it is damaged. */
export function decodeExamples(bytes: Uint8Array): ExampleFile | undefined {
  try {
    const { scan, known, classes, planes, examples } = parseRecord(bytes) ?? {}
    if (typeof scan !== 'string' || typeof known !== 'boolean') return undefined
    const shown = listOf(planes, toPlane)
    return {
      scan,
      known,
      classes: listOf(classes, toClass),
      planes: shown,
      examples: listOf(examples, (one) => toExample(one, shown)),
    }
  } catch {
    return undefined
  }
}

function pack(voxels: Uint8Array): string {
  return deflateSync(voxels).toString('base64')
}

/** @throws Error if the number of bytes is another */
function unpack(text: unknown, size: number): Uint8Array {
  requireSound(typeof text === 'string')
  const voxels = inflateSync(Buffer.from(text, 'base64'), { maxOutputLength: Math.max(1, size) })
  requireSound(voxels.length === size)
  return new Uint8Array(voxels)
}

function toPlane(value: unknown): ExamplePlane {
  requireSound(isRecord(value) && isRecord(value.grid))
  const { plane, depth, scan } = value
  const { shape, spacing, orientation } = value.grid
  requireSound(typeof plane === 'string' && planeNames.includes(plane) && isCount(depth))
  requireSound(
    typeof orientation === 'string' && isAxisCode(orientation) && isTriple(shape) && isTriple(spacing),
  )
  requireSound(shape.every((extent) => isCount(extent) && extent > 0) && spacing.every((size) => size > 0))
  const grid = { shape, spacing, orientation }
  return { plane: plane as PlaneName, depth, grid, scan: unpack(scan, voxelsOf(grid.shape)) }
}

function toClass(value: unknown): ExampleFile['classes'][number] {
  requireSound(isRecord(value))
  const { name, colour } = value
  requireSound(typeof name === 'string' && typeof colour === 'string' && /^#[0-9a-f]{6}$/.test(colour))
  return { name, colour }
}

function toExample(value: unknown, planes: readonly ExamplePlane[]): Example {
  requireSound(isRecord(value))
  const { epoch, step, weights, labels } = value
  requireSound(isCount(epoch) && isCount(step) && (weights === undefined || typeof weights === 'string'))
  requireSound(Array.isArray(labels) && labels.length === planes.length)
  const voxels = planes.map(({ grid }, i) => unpack(labels[i], voxelsOf(grid.shape)))
  return { epoch, step, ...(weights === undefined ? {} : { weights }), labels: voxels }
}

function listOf<T>(value: unknown, read: (item: unknown) => T): T[] {
  requireSound(Array.isArray(value))
  return value.map(read)
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite)
}

function requireSound(sound: boolean): asserts sound {
  if (!sound) throw new Error('damaged')
}
