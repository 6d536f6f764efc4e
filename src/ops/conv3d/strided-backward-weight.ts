import type { DeviceTraits } from '../../gpu/traits.js'
import { scratch, type KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import { covered, planesBehind, slicedUnlessFew, uncut } from '../shared/receptive.js'
import { sumColumns } from '../shared/reduce.js'
import { windowParams } from '../shared/window-params.js'
import { depthAxis, type Geometry } from './geometry.js'
import { broadcastLanes, lanesOf } from '../shared/lanes.js'
import { balancedTile, largeVolume } from './tile.js'
import { unrollStridedBackwardWeight } from './unroll-strided-backward-weight.js'

/** Number of bricks to aim for, their least number of voxels, and the most partial sums to keep. */
const mostBricks = 1024
const leastBrick = 256
const mostPartials = 4e6
/** Channels and sums of an invocation, as in backward-weight.ts. */
const mostChannels = { large: 16, small: 8 }
const mostSums = { software: 144, hardware: 64 }

/** The gradient of a convolution with respect to its weights [Co, Ci, kD, kH, kW]. */
export function stridedBackwardWeight(
  name: string,
  input: Value,
  gradOutput: Value,
  weight: Value,
  geometry: Geometry,
): Value {
  const { kernel, stride, padding } = geometry
  const from = volumeShape(input)
  const to = volumeShape(gradOutput)
  const { planes } = to
  const columns = weight.size

  // A brick is some columns of a plane or, if weights outnumber voxels, some planes, to keep fewer partial sums.
  const brickPlanes = Math.min(planes, Math.ceil((planes * columns) / mostPartials))
  const wanted = Math.floor(
    Math.min(mostBricks / planes, mostPartials / columns / planes, to.area / leastBrick),
  )
  const quads = Math.ceil(to.width / 4)
  const brickQuads = Math.ceil(quads / Math.max(1, Math.min(quads, wanted)))
  const bricksPerPlane = Math.ceil(quads / brickQuads)
  const units = Math.ceil(planes / brickPlanes)
  const partials = scratch('conv3d weight partials', [units * bricksPerPlane, columns])

  const gradientPlanes = (unit: Slab): Slab => ({
    first: unit.first * brickPlanes,
    end: Math.min(planes, unit.end * brickPlanes),
  })
  const behind = covered(depthAxis(geometry))
  const reads = (slab: Slab) => planesBehind(from.depth, to.depth, behind, slab)
  const calls = (device: DeviceTraits, range: Slab): KernelCall[] => {
    const windows = (unit: Slab) => ({
      input: planesOf(input, reads(gradientPlanes(unit))),
      grad_output: planesOf(gradOutput, gradientPlanes(unit)),
    })
    const vector = from.width % 4 === 0 && to.width % 4 === 0
    const subgroup = broadcastLanes(device)
    const sums = device.software ? mostSums.software : mostSums.hardware
    // If the kernel is so large that one channel has too many sums, it is taken row by row.
    const rows = kernel[1] * kernel[2] <= sums ? kernel[1] : 1
    const widest = to.voxels >= largeVolume ? mostChannels.large : mostChannels.small
    const tile = balancedTile(
      to.channels,
      Math.max(1, Math.min(widest, Math.floor(sums / (rows * kernel[2])))),
    )
    return slabs(range, device, (unit) => Object.values(windows(unit))).map((unit): KernelCall => ({
      shader: shaders.conv3dStridedBackwardWeight,
      flags: { VECTOR: vector, SUBGROUPS: subgroup > 0 },
      consts: { ROWS: rows, TILE_CO: tile, LANES: lanesOf(device) },
      generated: unrollStridedBackwardWeight({
        channels: tile,
        whole: to.channels % tile === 0,
        rows,
        kernel: kernel[2],
        stride: [stride[1], stride[2]],
        padding: padding[2],
        vector,
        subgroup,
      }),
      params: {
        in_channels: from.channels,
        out_channels: to.channels,
        ...windowParams(input, gradOutput, geometry),
        planes,
        brick_planes: brickPlanes,
        brick_columns: 4 * brickQuads,
        bricks_per_plane: bricksPerPlane,
        first_brick: unit.first * bricksPerPlane,
      },
      bindings: { ...windows(unit), partials: whole(partials) },
      threads: [
        from.channels * kernel[0] * (kernel[1] / rows),
        Math.ceil(to.channels / tile),
        (unit.end - unit.first) * bricksPerPlane,
      ],
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
