import { inverse, mapPoint, type PlacedShape } from '../../src/register/placed.js'
import { Pullback } from '../../src/register/pullback.js'
import type { PlacedImage } from '../../src/register/image.js'
import { makePhantom, type PhantomSubject } from '../../src/sae/phantom/phantom.js'
import {
  affine,
  apply,
  diagonal,
  multiply,
  rotation,
  type Affine,
  type Triple,
} from '../../src/sae/synth/affine.js'
import { warpImage } from '../../src/sae/synth/warp.js'

/** 40 voxels of 4 mm, the centre at the origin of the world. */
export const grid: PlacedShape = {
  shape: [40, 40, 40],
  toWorld: affine(diagonal([4, 4, 4]), [-78, -78, -78]),
}

export function phantom(seed: number): PhantomSubject {
  return makePhantom({ seed, shape: grid.shape, subjects: 1, noise: 0.02 }).subjects[0]!
}

export function placedScan({ scan }: PhantomSubject): PlacedImage {
  return { ...grid, data: scan }
}

/** Dark where the image is bright; the background stays dark. */
export function otherContrast({ data, ...placed }: PlacedImage): PlacedImage {
  return { ...placed, data: data.map((value) => (value === 0 ? 0 : 1 - 0.8 * value)) }
}

/** The image, moved: what was at x lies at map(x), on the same grid. */
export function moved(image: PlacedImage, map: Affine): PlacedImage {
  return { ...image, data: warpImage(image.data, new Pullback(image, image, { map: inverse(map) })) }
}

/** Turns by degrees about an oblique axis, scales and shifts. */
export function turned(degrees: number, scale: number, shift: Triple): Affine {
  const tangent = Math.tan((degrees * Math.PI) / 360)
  const [x, y, z] = apply(diagonal([tangent, tangent, tangent]), [2 / 3, 1 / 3, -2 / 3])
  return affine(multiply(rotation([x, y, z]), diagonal([scale, scale, scale])), shift)
}

/** The furthest that two maps take a corner of the brain apart, in millimetres. */
export function cornerDistance(a: Affine, b: Affine): number {
  const corners = Array.from({ length: 8 }, (_, i): Triple => {
    return [i & 1 ? 65 : -65, i & 2 ? 65 : -65, i & 4 ? 65 : -65]
  })
  return Math.max(
    ...corners.map((corner) => {
      const [p, q] = [mapPoint(a, corner), mapPoint(b, corner)]
      return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])
    }),
  )
}
