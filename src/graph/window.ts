import { UserError } from '../errors.js'
import { bindingAlignment } from '../gpu/alignment.js'
import { maxWorkgroups, type DeviceTraits } from '../gpu/traits.js'
import { volumeShape, type Value } from './value.js'

/** Elements [start, end) of a value, in memory order: the part that one dispatch binds. */
export interface Window {
  /** The value that is bound. */
  readonly value: Value
  /** First element, counted from 0 in memory order. */
  readonly start: number
  /** One past the last element. */
  readonly end: number
}

/** Planes or elements [first, end) that are computed together: planes of a volume, elements of any other value. */
export interface Slab {
  /** First plane or element, counted from 0. */
  readonly first: number
  /** One past the last plane or element. */
  readonly end: number
}

/** Bindings start at multiples of this many 4-byte elements; the start of a window is rounded down to one. */
const windowAlignment = bindingAlignment / 4

/** All of a value. */
export function whole(value: Value): Window {
  return { value, start: 0, end: value.size }
}

/** All planes of a volume. */
export function everyPlane(value: Value): Slab {
  return { first: 0, end: volumeShape(value).planes }
}

/** The window on the planes of a slab, clamped to the planes that exist. */
export function planesOf(value: Value, { first, end }: Slab): Window {
  const { channels, area, planes } = volumeShape(value)
  const size = channels * area
  return { value, start: Math.max(0, first) * size, end: Math.min(planes, end) * size }
}

/** A slab with `halo` more planes on either side; windows and scheduling clamp it to the planes that exist. */
export function widened({ first, end }: Slab, halo: number): Slab {
  return { first: first - halo, end: end + halo }
}

/**
 * The elements of a slab of planes, or of the whole value if it is not a volume; and whether element-wise kernels may
 * work on them in vec4s: if the range starts and ends at a multiple of four, or covers the whole value (buffers are
 * whole vec4s).
 */
export function elementRange(value: Value, slab: Slab): Slab & { readonly vector: boolean } {
  if (value.layout !== 'volume') return { first: 0, end: value.size, vector: true }
  const { channels, area, planes: count } = volumeShape(value)
  const plane = channels * area
  const isAll = slab.first === 0 && slab.end === count
  return { first: slab.first * plane, end: slab.end * plane, vector: isAll || plane % 4 === 0 }
}

/** Whether the device can bind all of these windows, wherever they start. */
export function fits(windows: readonly Window[], device: DeviceTraits): boolean {
  return windows.every(({ start, end }) => end - start <= roomOf(device))
}

const roomOf = ({ bindingElements }: DeviceTraits): number => bindingElements - windowAlignment

/**
 * Cuts a range of planes into as few equal slabs as possible, such that every window fits the device's binding limit,
 * and a dispatch with one workgroup per plane along depth fits the limit on workgroups.
 *
 * @throws UserError if even a single plane with its halo is too large
 */
export function slabs(range: Slab, device: DeviceTraits, windows: (slab: Slab) => readonly Window[]): Slab[] {
  const room = roomOf(device)
  const count = range.end - range.first
  for (let size = count; ; size = Math.ceil(count / Math.ceil(count / (size - 1)))) {
    const parts = cut(range, size)
    const tooLarge = parts.flatMap(windows).find(({ start, end }) => end - start > room)
    if (!tooLarge && size <= maxWorkgroups) return parts
    if (size === 1) {
      const { value, start, end } = tooLarge!
      throw new UserError(
        `${value.name} [${value.shape.join(', ')}]: one step reads planes of ${(end - start) * 4} bytes, more than the ${room * 4} that this device can bind; crop the volume, or use fewer channels or a smaller neighbourhood`,
      )
    }
  }
}

/** Cuts a range of elements into pieces that the device can bind; all but the last are whole vec4s. */
export function elementSlabs(range: Slab, device: DeviceTraits): Slab[] {
  const size = Math.floor(device.bindingElements / windowAlignment - 1) * windowAlignment
  return cut(range, size)
}

function cut({ first, end }: Slab, size: number): Slab[] {
  return Array.from({ length: Math.ceil((end - first) / size) }, (_, i) => ({
    first: first + i * size,
    end: Math.min(end, first + (i + 1) * size),
  }))
}
