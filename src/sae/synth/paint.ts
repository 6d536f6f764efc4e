import type { Random } from '../phantom/random.js'
import type { SpatialShape } from '../shape.js'
import type { Deformation } from './deformation.js'
import type { IntensityModel } from './intensities.js'
import { normalField, normalShareBelow } from './noise.js'

/** What is painted. */
interface Canvas {
  /** Classes on the source grid of the deformation. */
  readonly source: Uint8Array
  /** The same seen through the deformation. */
  readonly labels: Uint8Array
  readonly deformation: Deformation
  /** 1 for voxels of the head: all others stay 0. */
  readonly head: Uint8Array
}

/**
 * Paints a label map: each voxel gets the mean of its class (averaged over its neighbourhood, for partial volume) and its
 * class's deviation times a normal field.
 *
 * A class of several components consists of patches: a second normal field is cut at the quantiles that give each component
 * its weight.
 *
 * @param grain distance over which both fields change, in voxels; below 1, voxels are independent
 * @param spread standard deviation of the neighbourhood in voxels of the output; 0 takes the voxel's centre alone
 * @returns intensities, [D, H, W]
 */
export function paint(
  canvas: Canvas,
  model: IntensityModel,
  grain: SpatialShape,
  spread: SpatialShape,
  random: Random,
): Float32Array {
  const { labels, deformation, head } = canvas
  const [D, H, W] = deformation.output
  const palette = new Palette(model)
  const texture = normalField(random.fork(), deformation.output, grain)
  const patches = normalField(random.fork(), deformation.output, grain)
  const around = spread.some((s) => s > 0) ? new Neighbourhood(canvas, palette, spread) : undefined
  const [tone, patch] = [new Float64Array(W), new Float64Array(W)]
  const image = new Float32Array(D * H * W)
  for (let d = 0, offset = 0; d < D; d++) {
    for (let h = 0; h < H; h++, offset += W) {
      let ready = false
      for (let w = 0; w < W; w++) {
        if (head[offset + w] === 0) continue
        if (!ready) {
          texture.row(d, h, tone)
          if (palette.mixed) patches.row(d, h, patch)
          around?.row(d, h)
          ready = true
        }
        const component = palette.component(labels[offset + w]!, patch[w]!)
        const mean = around ? around.mean(w, patch[w]!) : palette.mean[component]!
        image[offset + w] = mean + palette.deviation[component]! * tone[w]!
      }
    }
  }
  return image
}

/** Averages over eight points that stand for a voxel's neighbourhood, one standard deviation from its centre along each axis. */
class Neighbourhood {
  /** Offsets of the points in the source; rounded down they give the nearest voxel. */
  private readonly points = new Float64Array(24)
  private readonly x: Float64Array
  private readonly y: Float64Array
  private readonly z: Float64Array

  constructor(
    private readonly canvas: Canvas,
    private readonly palette: Palette,
    [u, v, s]: SpatialShape,
  ) {
    const { map, output } = canvas.deformation
    for (let corner = 0; corner < 8; corner++) {
      const [d, h, w] = [corner & 4 ? u : -u, corner & 2 ? v : -v, corner & 1 ? s : -s]
      map.forEach((row, axis) => {
        this.points[3 * corner + axis] = row[0] * d + row[1] * h + row[2] * w + 0.5
      })
    }
    this.x = new Float64Array(output[2])
    this.y = new Float64Array(output[2])
    this.z = new Float64Array(output[2])
  }

  /** Makes row (d, h) the one that `mean` is about. */
  row(d: number, h: number): void {
    this.canvas.deformation.row(d, h, this.x, this.y, this.z)
  }

  mean(w: number, patch: number): number {
    const { source } = this.canvas
    const [D, H, W] = this.canvas.deformation.source
    const { points, palette } = this
    const [x, y, z] = [this.x[w]!, this.y[w]!, this.z[w]!]
    let sum = 0
    for (let k = 0; k < 24; k += 3) {
      const [p, q, r] = [x + points[k]!, y + points[k + 1]!, z + points[k + 2]!]
      const inside = p >= 0 && p < D && q >= 0 && q < H && r >= 0 && r < W
      const c = inside ? source[((p | 0) * H + (q | 0)) * W + (r | 0)]! : 0
      sum += palette.mean[palette.component(c, patch)]!
    }
    return sum / 8
  }
}

/** The components of all classes, one after the other. */
class Palette {
  readonly mean: Float64Array
  readonly deviation: Float64Array
  /** Whether a class has several components. */
  readonly mixed: boolean
  /** Of each class: its first component. */
  private readonly first: Int32Array
  /** Of each component: a patch field below this, and not below that of the one before, means this component. */
  private readonly threshold: Float64Array

  constructor(model: IntensityModel) {
    const all = model.flat()
    this.mean = Float64Array.from(all, ({ mean }) => mean)
    this.deviation = Float64Array.from(all, ({ deviation }) => deviation)
    this.mixed = all.length > model.length
    this.first = new Int32Array(model.length)
    this.threshold = new Float64Array(all.length)
    let at = 0
    model.forEach((components, c) => {
      this.first[c] = at
      const total = components.reduce((sum, { weight }) => sum + weight, 0)
      let share = 0
      components.forEach(({ weight }, k) => {
        share += weight / total
        this.threshold[at++] = k === components.length - 1 ? Infinity : normalQuantile(share)
      })
    })
  }

  component(c: number, patch: number): number {
    let k = this.first[c]!
    while (patch >= this.threshold[k]!) k++
    return k
  }
}

/** The number that a share of `Random.normal` lies below. */
function normalQuantile(share: number): number {
  let [low, high] = [-4, 4]
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (normalShareBelow(middle) < share) low = middle
    else high = middle
  }
  return high
}
