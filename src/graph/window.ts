import { UserError } from '../errors.js'
import { bindingAlignment } from '../gpu/alignment.js'
import { maxWorkgroups, type DeviceTraits } from '../gpu/traits.js'
import { volumeShape, type Value } from './value.js'

/** Elements [start, end) of a value, in its memory order: what one binding shows. */
export interface Window {
  /** The value shown. */
  readonly value: Value
  /** First element shown, counted from 0 in memory order. */
  readonly start: number
  /** One past the last element shown. */
  readonly end: number
}

/** What one dispatch computes: consecutive planes of a volume, or elements of a value that is not a volume. */
export interface Slab {
  /** First plane or element, counted from 0. */
  readonly first: number
  /** One past the last plane or element. */
  readonly last: number
}

/** Elements of 4 bytes at multiples of which bindings start; a window is rounded down to that. */
const windowAlignment = bindingAlignment / 4

/** All of a value. */
export function whole(value: Value): Window {
  return { value, start: 0, end: value.size }
}

/** All planes of a volume. */
export function everyPlane(value: Value): Slab {
  return { first: 0, last: volumeShape(value).planes }
}

/** What shows the planes of a slab, clamped to the planes that exist. */
export function planesOf(value: Value, { first, last }: Slab): Window {
  const { channels, area, planes } = volumeShape(value)
  const size = channels * area
  return { value, start: Math.max(0, first) * size, end: Math.min(planes, last) * size }
}

/** A slab with `halo` more planes on either side; windows and scheduling clamp it to the planes that exist. */
export function widened({ first, last }: Slab, halo: number): Slab {
  return { first: first - halo, last: last + halo }
}

/**
 * The elements of some planes, or all of a value that is no volume; and whether element-wise kernels may work on vec4s
 * of them: where the range starts and ends at a multiple of four, or is all there is (buffers are whole vec4s).
 */
export function elementRange(value: Value, slab: Slab): Slab & { readonly vector: boolean } {
  if (value.layout !== 'volume') return { first: 0, last: value.size, vector: true }
  const { channels, area, planes: count } = volumeShape(value)
  const plane = channels * area
  const isAll = slab.first === 0 && slab.last === count
  return { first: slab.first * plane, last: slab.last * plane, vector: isAll || plane % 4 === 0 }
}

/**
 * Cuts a range of planes into as few equal slabs as keep every window within the device's binding limit, and one
 * workgroup along depth for each plane within what one dispatch may have.
 *
 * @throws UserError if even a single plane with its halo is too large.
 */
export function slabs(range: Slab, device: DeviceTraits, windows: (slab: Slab) => readonly Window[]): Slab[] {
  const room = device.bindingElements - windowAlignment
  const count = range.last - range.first
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

/** Cuts a range of elements into pieces that a device binds, each a whole number of vec4s but for the last. */
export function elementSlabs(range: Slab, device: DeviceTraits): Slab[] {
  const size = Math.floor(device.bindingElements / windowAlignment - 1) * windowAlignment
  return cut(range, size)
}

function cut({ first, last }: Slab, size: number): Slab[] {
  return Array.from({ length: Math.ceil((last - first) / size) }, (_, i) => ({
    first: first + i * size,
    last: Math.min(last, first + (i + 1) * size),
  }))
}
