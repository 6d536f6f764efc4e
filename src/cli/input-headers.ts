import { UserError } from '../errors.js'
import { readVolumeShape } from '../io/files.js'
import { formatShape, requireSameGrid, unknownGrid, type VolumeShape } from '../io/volume.js'
import { sampledShape } from '../sae/separable-filter.js'

/** The volumes that a command is about to read. */
export interface Inputs {
  readonly scans: readonly string[]
  /** One for each scan, if any. */
  readonly labels?: readonly string[] | undefined
  readonly prior: string
  /** The command keeps every n-th voxel of scans and labels, and of a prior that has their size. */
  readonly every: number
}

/**
 * Looks at the headers of all inputs, which takes milliseconds, before any of them is unpacked, which may take a minute:
 * a file that is not there, of a kind that is not read or of another shape is reported at once.
 *
 * @throws UserError
 */
export async function checkHeaders({ scans, labels = [], prior, every }: Inputs): Promise<void> {
  const priorShape = await readVolumeShape(prior)
  requireClassChannels(priorShape.channels, prior)
  for (const [i, path] of scans.entries()) {
    const scan = await readVolumeShape(path)
    requireOneChannel(scan.channels, path, 'a scan')
    const whole = formatShape(priorShape.shape) === formatShape(scan.shape)
    const kept = whole ? scan.shape : sampledShape(scan.shape, every)
    requireSameShape(prior, priorShape.shape, path, kept, 'the prior and the scan')
    const label = labels[i]
    if (label === undefined) continue
    const map = await readVolumeShape(label)
    requireOneChannel(map.channels, label, 'a label map')
    requireSameShape(label, map.shape, path, scan.shape, 'the labels and the scan')
  }
}

/** @throws UserError unless a volume has the one channel of a scan or a label map */
export function requireOneChannel(channels: number, path: string, what: string): void {
  if (channels === 1) return
  throw new UserError(`${path}: has ${channels} channels where ${what} has one; give one of them`)
}

/** @throws UserError unless a volume has the channels of a prior */
export function requireClassChannels(channels: number, path: string): void {
  if (channels > 1) return
  throw new UserError(
    `${path}: has one channel; a prior has one for each class, so make it with sae prior, or stack the tissue maps of several files, the background first, into one image of four axes (fslmerge -t)`,
  )
}

type Shape = VolumeShape['shape']

function requireSameShape(a: string, aShape: Shape, b: string, bShape: Shape, what: string): void {
  const bare = (source: string, shape: Shape) => {
    return { source, grid: unknownGrid(shape), channels: 1, data: new Float32Array(0) }
  }
  requireSameGrid(bare(a, aShape), bare(b, bShape), what)
}
