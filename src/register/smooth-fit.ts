import type { Affine } from '../sae/synth/affine.js'
import { blur } from '../sae/synth/resample.js'
import { cutOut, grownBox } from './box.js'
import {
  composeFields,
  displaced,
  gradientOf,
  inWorld,
  leastJacobian,
  resizedField,
  zeroField,
  type VoxelField,
} from './field.js'
import { thinned, type PlacedImage } from './image.js'
import { croppedGrid, spacingOf, type PlacedShape } from './placed.js'
import type { Transform } from './pullback.js'

/**
 * The moving volume in the intensities of the fixed scan, as the affine part alone brings it onto the grid of that.
 *
 * @param transform what is known by now
 * @returns [D, H, W] of the scan
 */
export type Likeness = (scan: PlacedImage, transform: Transform) => Float32Array

/** A smooth registration. */
export interface SmoothFit {
  readonly transform: Transform
  /** The least determinant of the derivative of x + u(x); above 0, nothing is folded. */
  readonly leastJacobian: number
}

/** How far a smooth registration goes. */
export interface SmoothSettings {
  /** Voxels in millimetres, and iterations, of each stage. */
  readonly stages: readonly { readonly size: number; readonly iterations: number }[]
  /** Standard deviation of the blur of each step, in voxels of the stage. */
  readonly stepBlur: number
  /** The same of the whole displacement. */
  readonly wholeBlur: number
  /** Differences of intensity that mean nothing, of scans from 0 to 1. */
  readonly noise: number
}

/** What served best for label maps of others (docs/registration.md). */
const defaultSmooth: SmoothSettings = {
  stages: [
    { size: 8, iterations: 30 },
    { size: 4, iterations: 30 },
  ],
  stepBlur: 2,
  wholeBlur: 1.5,
  noise: 0.1,
}

/** What may move around the foreground as well, in millimetres. */
const margin = 16

/** Intensities up to this are background. */
const dark = 0.02

/** A step that would shrink a voxel to less than this share of its size is not taken. */
const leastGrowth = 0.05

/**
 * Bends what an affine map has brought onto a scan, by diffeomorphic demons (Vercauteren et al., NeuroImage 2009, the
 * symmetric force; a step is composed with what is there and the sum blurred).
 *
 * @param scan intensities 0..1; 0 is background
 * @param map from the world of the scan to that of the moving volume
 */
export function fitSmooth(
  scan: PlacedImage,
  map: Affine,
  likeness: Likeness,
  settings: SmoothSettings = defaultSmooth,
): SmoothFit {
  const { stages } = settings
  const whole = foregroundOf(scan)
  let fitted: { readonly grid: PlacedShape; readonly field: VoxelField } = {
    grid: whole,
    field: zeroField(whole.shape),
  }
  for (const { size, iterations } of stages) {
    // Both images are blurred and thinned in the same way: demons would mistake another blur for another shape.
    const like = likeness(whole, { map, field: inWorld(fitted.field, fitted.grid) })
    const [fixed, moving] = [thinned(whole, size), thinned({ ...whole, data: like }, size)]
    const start = resizedField(fitted.field, fitted.grid, fixed)
    fitted = { grid: fixed, field: bend(fixed, moving.data, start, iterations, settings) }
  }
  const { grid, field } = fitted
  return { transform: { map, field: inWorld(field, grid) }, leastJacobian: leastJacobian(field, grid.shape) }
}

/** Demons at one resolution. @param brought what the affine map makes of the moving volume, on the grid of the scan */
function bend(
  { data, shape }: PlacedImage,
  brought: Float32Array,
  start: VoxelField,
  iterations: number,
  { stepBlur, wholeBlur, noise }: SmoothSettings,
): VoxelField {
  let field = start
  const slope = gradientOf(data, shape)
  for (let iteration = 0; iteration < iterations; iteration++) {
    const seen = displaced(brought, field, shape)
    const step = demonsStep(data, slope, seen, gradientOf(seen, shape), noise)
    for (const axis of step) blur(axis, shape, [stepBlur, stepBlur, stepBlur])
    const next = composeFields(field, step, shape)
    for (const axis of next) blur(axis, shape, [wholeBlur, wholeBlur, wholeBlur])
    if (!(leastJacobian(next, shape) > leastGrowth)) break
    field = next
  }
  return field
}

/** (F - M) g / (|g|^2 + (F - M)^2 + noise^2), g the mean gradient of both: at most half a voxel. */
function demonsStep(
  fixed: Float32Array,
  fixedSlope: VoxelField,
  moving: Float32Array,
  movingSlope: VoxelField,
  noise: number,
): VoxelField {
  const step = [0, 1, 2].map(() => new Float32Array(fixed.length)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  for (let i = 0; i < fixed.length; i++) {
    const apart = fixed[i]! - moving[i]!
    const a = (fixedSlope[0][i]! + movingSlope[0][i]!) / 2
    const b = (fixedSlope[1][i]! + movingSlope[1][i]!) / 2
    const c = (fixedSlope[2][i]! + movingSlope[2][i]!) / 2
    const size = a * a + b * b + c * c + apart * apart + noise * noise
    step[0][i] = (apart * a) / size
    step[1][i] = (apart * b) / size
    step[2][i] = (apart * c) / size
  }
  return step
}

/** The scan without the background around it. */
function foregroundOf(scan: PlacedImage): PlacedImage {
  const [d, h, w] = spacingOf(scan)
  const box = grownBox(scan.data, scan.shape, dark, [margin / d, margin / h, margin / w])
  const grid = croppedGrid(scan, box.start, box.stop)
  return { ...grid, data: cutOut(scan.data, scan.shape, box) }
}
