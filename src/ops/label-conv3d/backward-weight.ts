import { threadsPerWorkgroup } from '../../gpu/shader.js'
import { scratch } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, widened, type Slab } from '../../graph/window.js'
import { mostPartials, targetBricks } from '../conv3d/bricks.js'
import { convolutionPlanes, kernelShape } from '../conv3d/geometry.js'
import { balancedTile } from '../conv3d/tile.js'
import { sumColumns } from '../shared/reduce.js'
import * as shaders from '../../generated/shaders.js'
import { unrollBackwardWeight } from './unroll-backward-weight.js'

/**
 * Sums that one invocation holds. On lavapipe 36, 63 and 126 took 8.4, 5.6 and 4.5 ms for 14 -> 1 channels at 32x96x112.
 * With 18, an AMD GPU of any family has the registers for 4 subgroups on a SIMD (`npm run bench:static`).
 */
const mostSums = { software: 64, hardware: 18 }

/** Gradient of a convolution of labels with respect to its weights [Co, classes, kD, kH, kW]. */
export function backwardWeight(labels: Value, gradOutput: Value, weight: Value): Value {
  const [outputs, classes, kd, kh, kw] = kernelShape(weight.shape)
  const { depth, height, width, planes: count } = volumeShape(labels)
  const size = outputs * classes * kd * kh * kw
  const wanted = Math.max(1, Math.floor(Math.min(targetBricks, mostPartials / size) / count))
  const brickRows = Math.ceil(height / Math.min(height, wanted))
  const bricksPerPlane = Math.ceil(height / brickRows)
  const partials = scratch('label_conv3d weight partials', [count * bricksPerPlane, size])
  return op({
    name: 'label_conv3d backward weight',
    inputs: { labels, gradOutput },
    output: { shape: weight.shape, layout: 'flat' },
    scratch: [partials],
    parameter: weight,
    ...convolutionPlanes(gradOutput, kd),
    emit: (_, device, range) => {
      const sums = device.software ? mostSums.software : mostSums.hardware
      const block = balancedTile(classes, Math.max(1, Math.floor(sums / (kh * kw))))
      const halo = (kd - 1) / 2
      const reads = (slab: Slab) => planesOf(labels, slab)
      const grads = (slab: Slab) => planesOf(gradOutput, widened(slab, halo))
      return slabs(range, device, (slab) => [reads(slab), grads(slab)]).map((slab) => ({
        shader: shaders.labelConv3dBackwardWeight,
        flags: { VECTOR: width % 4 === 0 },
        consts: { KD: kd, KH: kh, KW: kw, CLASSES: block },
        generated: unrollBackwardWeight({
          classes: block,
          whole: classes % block === 0,
          kernelHeight: kh,
          kernelWidth: kw,
          storeLoop: device.software,
        }),
        params: {
          classes,
          outputs,
          depth,
          height,
          width,
          first_plane: slab.first,
          bricks: (slab.end - slab.first) * bricksPerPlane,
          first_brick: slab.first * bricksPerPlane,
          bricks_per_plane: bricksPerPlane,
          brick_rows: brickRows,
        },
        bindings: { labels: reads(slab), grad_output: grads(slab), partials: whole(partials) },
        workgroups: [
          Math.ceil(classes / block) * kd,
          outputs,
          Math.ceil(
            ((slab.end - slab.first) * bricksPerPlane) /
              threadsPerWorkgroup(shaders.labelConv3dBackwardWeight),
          ),
        ],
      }))
    },
    finish: (gradWeight) => [sumColumns(partials, gradWeight)],
  })
}
