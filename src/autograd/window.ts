import type { DeviceTraits } from './node.js'
import { volumeShape, type Value } from './value.js'

/** Elements [start, end) of a value, in its memory order: what one binding shows. */
export interface Window {
  readonly value: Value
  readonly start: number
  readonly end: number
}

/** A range of planes or elements that one dispatch computes. */
export interface Slab {
  readonly first: number
  readonly last: number
}

/** Bindings start at multiples of 256 bytes; a window is rounded down to that. */
export const windowAlignment = 64

/** All of a value. */
export function whole(value: Value): Window {
  return { value, start: 0, end: value.size }
}

/** Planes [first, last) of a volume, clamped to the planes that exist. */
export function planes(value: Value, first: number, last: number): Window {
  const shape = volumeShape(value)
  const size = shape.channels * shape.area
  return { value, start: Math.max(0, first) * size, end: Math.min(shape.planes, last) * size }
}

/** Elements [first, last) of a value. */
export function elements(value: Value, first: number, last: number): Window {
  return { value, start: first, end: last }
}

/**
 * Cuts `count` planes into as few equal slabs as keep every window within the device's binding limit.
 *
 * @throws Error where even a single plane with its halo is too large.
 */
export function slabs(
  count: number,
  device: DeviceTraits,
  windows: (slab: Slab) => readonly Window[],
): Slab[] {
  const room = device.bindingElements - windowAlignment
  for (let parts = 1; ; parts++) {
    const size = Math.ceil(count / parts)
    const cut: Slab[] = []
    for (let first = 0; first < count; first += size) cut.push({ first, last: Math.min(count, first + size) })
    const tooLarge = cut.flatMap(windows).find(({ start, end }) => end - start > room)
    if (!tooLarge && size <= maxGroups) return cut
    if (size === 1) {
      const { value, start, end } = tooLarge!
      throw new Error(
        `${value.name} [${value.shape.join(', ')}]: one slab needs ${(end - start) * 4} bytes, more than the ${device.bindingElements * 4} that this device binds`,
      )
    }
  }
}

/** Cuts the `count` elements that element-wise kernels run over; every slab starts at an aligned element. */
export function elementSlabs(count: number, device: DeviceTraits): Slab[] {
  const size = Math.floor(device.bindingElements / windowAlignment) * windowAlignment
  const cut: Slab[] = []
  for (let first = 0; first < count; first += size) cut.push({ first, last: Math.min(count, first + size) })
  return cut
}

/** Workgroups of 64 for a linear range, folded into two dimensions where one is too short. */
export function linearGroups(count: number): readonly [number, number, number] {
  const groups = Math.ceil(count / 64)
  if (groups <= maxGroups) return [groups, 1, 1]
  const rows = Math.ceil(groups / maxGroups)
  return [Math.ceil(groups / rows), rows, 1]
}

const maxGroups = 65535
