/** What samples images and volumes at a grid, whose coordinates come last; and pools that round up. */
import * as affine from '../../reference/affine-grid.js'
import * as sample from '../../reference/grid-sample.js'
import { fromArray, type NdArray } from '../../reference/nd-array.js'
import { at, draw, floats, image, integers, made, volume, type Case } from './case.js'

/** From [N, ...spatial, 2 or 3] to [N, 3, D, H, W]. */
function asVolume({ shape, data }: NdArray): NdArray {
  const grid = fromArray([...shape], data)
  const [n, ...rest] = shape as [number, ...number[]]
  const [d, h, w] = rest.length === 4 ? rest : [1, ...rest]
  const placed = (b: number, z: number, y: number, x: number) =>
    rest.length === 4 ? [b, z, y, x] : [b, y, x]
  return made([n, 3, d!, h!, w!], ([b, c, z, y, x]) =>
    c! < rest.at(-1)! ? at(grid, ...placed(b!, z!, y!, x!), c!) : 0,
  )
}

/** Images [N, C, H, W] as volumes, and back. */
const deep = ({ shape: [n, c, ...spatial], data }: NdArray): NdArray =>
  fromArray([n!, c!, ...(spatial.length === 2 ? [1, ...spatial] : spatial)], data)
const likeInput = ({ shape: [n, c, ...spatial], data }: NdArray, rank: number): NdArray =>
  fromArray([n!, c!, ...spatial.slice(5 - rank)], data)

function sampled(
  x: NdArray,
  grid: NdArray,
  options: sample.Options,
  rest: Pick<Case, 'attributes' | 'opset'>,
): Case {
  return {
    op: 'GridSample',
    constants: [floats('grid', grid.shape, grid.data)],
    x,
    expected: (from) => likeInput(sample.forward(deep(from), asVolume(grid), options), from.shape.length),
    ...rest,
  }
}

// Beyond the volume, too.
const [ofImages, ofVolumes] = [draw([2, 3, 5, 2], -1.4, 1.4), draw([1, 3, 2, 4, 3], -1.4, 1.4)]

/** The grid of a map, with its coordinates last. */
function affineCase(theta: NdArray, size: readonly number[], alignCorners: boolean): Case {
  const axes = size.length - 2
  const [n] = size as [number]
  const extents = (axes === 3 ? size.slice(2) : [1, ...size.slice(2)]) as unknown as [number, number, number]
  const whole = (map: NdArray) =>
    axes === 3
      ? map
      : made([n, 3, 4], ([b, i, j]) => (i === 2 || j === 2 ? 0 : at(map, b!, i!, j === 3 ? 2 : j!)))
  return {
    op: 'AffineGrid',
    attributes: { align_corners: Number(alignCorners) },
    opset: 20,
    constants: [integers('size', [size.length], size)],
    x: theta,
    expected: (map) => {
      const grid = affine.forward(whole(map), extents, alignCorners)
      return made([n, ...size.slice(2), axes], (place) => {
        const [b, ...rest] = place as [number, ...number[]]
        const c = rest.pop()!
        return at(grid, b, c, ...(axes === 3 ? rest : [0, ...rest]))
      })
    },
  }
}

export const samples: readonly Case[] = [
  sampled(image, ofImages, {}, { attributes: { mode: 'bilinear' } }),
  sampled(
    image,
    ofImages,
    { alignCorners: true, padding: 'border' },
    {
      attributes: { mode: 'bilinear', align_corners: 1, padding_mode: 'border' },
    },
  ),
  sampled(image, ofImages, { mode: 'nearest' }, { attributes: { mode: 'nearest' } }),
  sampled(volume, ofVolumes, {}, { opset: 20 }),
  sampled(
    volume,
    ofVolumes,
    { alignCorners: true },
    {
      opset: 20,
      attributes: { mode: 'linear', align_corners: 1, padding_mode: 'zeros' },
    },
  ),
  sampled(
    volume,
    ofVolumes,
    { mode: 'nearest', padding: 'border' },
    {
      opset: 20,
      attributes: { mode: 'nearest', padding_mode: 'border' },
    },
  ),
  affineCase(draw([2, 3, 4]), [2, 1, 3, 2, 4], false),
  affineCase(draw([2, 3, 4]), [2, 1, 3, 2, 4], true),
  affineCase(draw([2, 2, 3]), [2, 1, 3, 4], false),
  {
    op: 'MaxPool',
    attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
    x: image,
    expected: (x) =>
      made([2, 4, 2, 3], ([n, c, h, w]) =>
        Math.max(...[0, 1].flatMap((i) => [0, 1].map((j) => at(x, n!, c!, 2 * h! + i, 2 * w! + j)))),
      ),
  },
]
