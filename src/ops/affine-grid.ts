import { scratch } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { requireNumbers } from './shared/broadcast.js'
import { planewise } from './shared/planewise.js'
import { sumRows } from './shared/reduce.js'
import { shown } from './shared/requirements.js'
import { triple, type Triple } from './shared/triple.js'

/** What -1 and 1 mean, as for `gridSample`. */
export interface AffineGridOptions {
  /**
   * Whether -1 and 1 are the centres of the outermost voxels along an axis, or their outer faces, half a voxel further.
   * Default false.
   */
  readonly alignCorners?: boolean
}

/**
 * The grid at which an affine map samples a volume with `gridSample`, as `torch.nn.functional.affine_grid`, but with the
 * coordinates as channels. The gradient flows to the map. To sample with a fixed map, `resample` needs no grid.
 *
 * @param theta [N, 3, 4]: for each volume the rows of x, y and z; `[a, b, c, t]` makes `a x + b y + c z + t`, where x, y
 *   and z in -1..1 are a voxel's coordinates along W, H and D
 * @param extents [D, H, W] of the output
 * @returns [N, 3, D, H, W], with x, y and z of the input at each voxel
 * @throws Error on a map or extents of another form
 */
export function affineGrid(
  theta: Value,
  extents: Triple,
  { alignCorners = false }: AffineGridOptions = {},
): Value {
  const [depth, height, width] = triple('affine_grid: extents', extents, 1)
  const batch = theta.shape[0]!
  requireNumbers('affine_grid', theta, 'theta')
  if (theta.shape.slice(1).join() !== '3,4')
    throw new Error(`affine_grid: the map must be [N, 3, 4], not ${shown(theta)}`)
  const params = {
    depth,
    width,
    ...axis('x', width, alignCorners),
    ...axis('y', height, alignCorners),
    ...axis('z', depth, alignCorners),
  }
  return op({
    name: 'affine_grid',
    inputs: { theta },
    output: { shape: [batch, 3, depth, height, width] },
    planes: batch * depth,
    emit: (output, device, slab) =>
      planewise(
        { shader: shaders.affineGridForward, params, volumes: { output }, flats: { theta } },
        device,
        slab,
      ),
    backward: (gradOutput) => ({ theta: backward(theta, gradOutput, params) }),
  })
}

function backward(theta: Value, gradOutput: Value, params: Record<string, number>): Value {
  const { depth, planes } = volumeShape(gradOutput)
  const partials = scratch('partial sums', [theta.size, depth])
  return op({
    name: 'affine_grid backward',
    inputs: { gradOutput },
    output: { shape: theta.shape, layout: 'flat' },
    scratch: [partials],
    planes,
    emit: (_, device, slab) =>
      planewise(
        {
          shader: shaders.affineGridBackwardTheta,
          params,
          volumes: { grad_output: gradOutput },
          flats: { partials },
          over: { workgroupPerChannel: 3 },
        },
        device,
        slab,
      ),
    finish: (output) => [sumRows(partials, output)],
  })
}

/** Coordinates of an axis's voxels: scale times the voxel plus offset. A single voxel lies at 0. */
function axis(name: string, extent: number, alignCorners: boolean): Record<string, number> {
  const scale = alignCorners ? (extent === 1 ? 0 : 2 / (extent - 1)) : 2 / extent
  const offset = alignCorners ? (extent === 1 ? 0 : -1) : 1 / extent - 1
  return { [`${name}_scale`]: scale, [`${name}_offset`]: offset }
}
