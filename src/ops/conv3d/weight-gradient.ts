import type { DeviceTraits } from '../../gpu/traits.js'
import { scratch, type KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import { covered, planesBehind, slicedUnlessFew, uncut } from '../shared/receptive.js'
import { sumColumns } from '../shared/reduce.js'
import { leastBrick, mostPartials, targetBricks } from './bricks.js'
import { depthAxis, type Geometry } from './geometry.js'

/** A convolution of any geometry, to compute the gradient of its weights. */
export interface WeightGradient {
  /** Name of the node. */
  readonly name: string
  readonly input: Value
  readonly gradOutput: Value
  /** [Co, Ci/groups, kD, kH, kW] */
  readonly weight: Value
  readonly geometry: Geometry
  /** How many positions a plane has along the axis that is cut into bricks: rows, or columns in fours. */
  readonly positions: number
  /**
   * The kernel that writes the partial sums of some bricks.
   *
   * @param brick positions of a brick
   */
  readonly kernel: (device: DeviceTraits, brick: number) => BrickKernel
}

/** A kernel call without what follows from the bricks. */
export interface BrickKernel extends Omit<KernelCall, 'bindings' | 'threads' | 'workgroups'> {
  readonly params: Readonly<Record<string, number>>
  /** The invocations for a number of bricks. */
  readonly threadsOf: (bricks: number) => readonly [number, number, number]
}

/**
 * The gradient of a convolution with respect to its weights: partial sums of bricks, then the sum over bricks. A brick is part
 * of a plane or, if weights outnumber voxels, some planes, to keep fewer partial sums.
 */
export function weightGradient(gradient: WeightGradient): Value {
  const { name, input, gradOutput, weight, geometry, positions, kernel } = gradient
  const from = volumeShape(input)
  const { planes, depth, area } = volumeShape(gradOutput)
  const columns = weight.size
  const brickPlanes = Math.min(planes, Math.ceil((planes * columns) / mostPartials))
  const wanted = Math.floor(
    Math.min(targetBricks / planes, mostPartials / columns / planes, area / leastBrick),
  )
  const brick = Math.ceil(positions / Math.max(1, Math.min(positions, wanted)))
  const perPlane = Math.ceil(positions / brick)
  const units = Math.ceil(planes / brickPlanes)
  const partials = scratch('conv3d weight partials', [units * perPlane, columns])

  const gradientPlanes = (unit: Slab): Slab => ({
    first: unit.first * brickPlanes,
    end: Math.min(planes, unit.end * brickPlanes),
  })
  const behind = covered(depthAxis(geometry))
  const reads = (slab: Slab) => planesBehind(from.depth, depth, behind, slab)
  const windows = (unit: Slab) => ({
    input: planesOf(input, reads(gradientPlanes(unit))),
    grad_output: planesOf(gradOutput, gradientPlanes(unit)),
  })
  const calls = (device: DeviceTraits, range: Slab): KernelCall[] => {
    const { params, threadsOf, ...specialisation } = kernel(device, brick)
    return slabs(range, device, (unit) => Object.values(windows(unit))).map((unit) => ({
      ...specialisation,
      params: {
        ...params,
        planes,
        brick_planes: brickPlanes,
        bricks_per_plane: perPlane,
        first_brick: unit.first * perPlane,
      },
      bindings: { ...windows(unit), partials: whole(partials) },
      threads: threadsOf((unit.end - unit.first) * perPlane),
    }))
  }
  const work = {
    planes: units,
    reads: (value: Value, slab: Slab) => (value === input ? reads(slab) : slab),
    emit: (_: Value, device: DeviceTraits, range: Slab) => calls(device, range),
    finish: (gradWeight: Value) => [sumColumns(partials, gradWeight)],
  }
  return op({
    name,
    inputs: { input, gradOutput },
    output: { shape: weight.shape, layout: 'flat' },
    scratch: [partials],
    parameter: weight,
    ...(brickPlanes > 1 ? uncut(work) : slicedUnlessFew(from.planes, work)),
  })
}
