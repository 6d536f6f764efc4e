import { readVolume } from '../../io/files.js'
import type { Grid } from '../../io/volume.js'
import type { PlacedImage } from '../../register/image.js'
import type { PlacedShape } from '../../register/placed.js'
import type { AffineRow } from '../../sae/synth/affine.js'
import { readScan } from '../inputs/inputs.js'
import type { Terminal } from '../terminal.js'

/** A grid as registration takes it. */
export function toPlaced({ shape, affine }: Grid): PlacedShape {
  const row = (r: number): AffineRow => {
    const [a, b, c, t] = affine[r]!
    return [a!, b!, c!, t!]
  }
  return { shape, toWorld: [row(0), row(1), row(2)] }
}

/** A scan to register: its grid, its intensities scaled to 0..1, and what its background was. */
export interface RegisteredScan {
  readonly source: string
  readonly grid: Grid
  readonly image: PlacedImage
  readonly background: number
}

/** Reads a scan to register. @throws UserError as `readScan` */
export async function readScanToRegister(path: string, terminal: Terminal): Promise<RegisteredScan> {
  const { data, grid, scaling } = await readScan(path, 'robust', terminal, undefined, 'by sae convert')
  if (!grid.known) {
    terminal.warn(
      `${path}: says nothing of its orientation; its axes are taken to run to the right, to the front and upwards`,
    )
  }
  return { source: path, grid, image: { ...toPlaced(grid), data }, background: scaling.low }
}

/** The voxels of a scan in its own units. */
export async function readUnscaled(path: string): Promise<Float32Array> {
  return (await readVolume(path)).data
}
