import type { Prior } from '../../../src/sae/prior/prior.js'
import { Random } from '../../../src/sae/phantom/random.js'

/** A prior moved by so many voxels along an axis; what it leaves behind is background. */
export function shiftPrior({ data, classes, shape }: Prior, axis: 0 | 1 | 2, by: number): Prior {
  return mapped({ data, classes, shape }, (at) => {
    at[axis] -= by
    return at[axis] >= 0 && at[axis] < shape[axis] ? at : undefined
  })
}

/** A prior in a mirror. */
export function flipPrior({ data, classes, shape }: Prior, axis: 0 | 1 | 2): Prior {
  return mapped({ data, classes, shape }, (at) => {
    at[axis] = shape[axis] - 1 - at[axis]
    return at
  })
}

type Position = [number, number, number]

function mapped({ data, classes, shape }: Prior, from: (at: Position) => Position | undefined): Prior {
  const [D, H, W] = shape
  const voxels = D * H * W
  const moved = new Float32Array(data.length)
  for (let i = 0; i < voxels; i++) {
    const source = from([Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W])
    const j = source && (source[0] * H + source[1]) * W + source[2]
    for (let c = 0; c < classes; c++) {
      moved[c * voxels + i] = j === undefined ? Number(c === 0) : data[c * voxels + j]!
    }
  }
  return { data: moved, classes, shape }
}

/** One class wherever there was any but the background. */
export function flood(classes: Uint8Array, winner: number): Uint8Array {
  return classes.map((c) => (c === 0 ? 0 : winner))
}

/** Each class but the background under the name of another. */
export function rename(classes: Uint8Array, K: number): Uint8Array {
  return classes.map((c) => (c === 0 ? 0 : 1 + ((c + 4) % (K - 1))))
}

/** The same number of voxels of each class, anywhere. */
export function shuffle(classes: Uint8Array, seed = 1): Uint8Array {
  const random = new Random(seed)
  const shuffled = classes.slice()
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1))
    ;[shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!]
  }
  return shuffled
}
