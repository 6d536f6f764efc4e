import { expect } from 'vitest'
import { UserError } from '../../src/errors.js'
import { unknownGrid, type Volume } from '../../src/io/volume.js'

/** Runs `action`, which must throw a UserError of one line, and returns its message. */
export function userError(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return messageOf(error)
  }
  throw new Error('nothing was thrown')
}

export async function rejectedUserError(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => {
      throw new Error('nothing was thrown')
    },
    (error: unknown) => messageOf(error),
  )
}

function messageOf(error: unknown): string {
  if (!(error instanceof UserError)) throw error
  expect(error.message).toMatch(/^[^\n]+$/)
  return error.message
}

/** A file cut short anywhere must give a UserError, never a result and never another exception. */
export function expectEveryCutRefused(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  for (let length = 0; length < bytes.length; length++) userError(() => read(bytes.slice(0, length)))
}

/** With any one byte wrong, a file must read somehow or give a UserError; returns how many did the latter. */
export function countDamageRefused(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): number {
  let refused = 0
  for (let at = 0; at < bytes.length; at++) {
    for (const damage of [0x01, 0x80, 0xff]) {
      const damaged = bytes.slice()
      damaged[at]! ^= damage
      try {
        read(damaged)
      } catch (error) {
        messageOf(error)
        refused++
      }
    }
  }
  return refused
}

/** A volume that tells its voxels apart: 1000 c + 100 d + 10 h + w, times `scale`. */
export function makeVolume(channels: number, shape: [number, number, number], scale = 1): Volume {
  const [D, H, W] = shape
  const data = new Float32Array(channels * D * H * W)
  let at = 0
  for (let c = 0; c < channels; c++) {
    for (let d = 0; d < D; d++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++) data[at++] = scale * (1000 * c + 100 * d + 10 * h + w)
      }
    }
  }
  return { data, channels, grid: unknownGrid(shape), source: 'made.nii' }
}
