/** A raw scan of a head, and a network that strips its skull. */
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeVolume } from '../../../src/io/files.js'
import type { Grid } from '../../../src/io/volume.js'
import { makeTfjs, type TfjsJson } from '../../io/make-tfjs.js'
import { mulberry32 } from '../../reference/nd-array.js'

/** Extents of the head. */
const shape = [30, 36, 32] as const
const [D, H, W] = shape

/** Voxels of 6 mm; the axes run to the right, down and to the front. */
export const grid: Grid = {
  shape: [...shape],
  affine: [
    [6, 0, 0, -90],
    [0, 0, 6, -96],
    [0, -6, 0, 108],
    [0, 0, 0, 1],
  ],
  known: true,
}

/** A brain of two tissues with a ventricle, in a skull; and a field over all of it. */
export const head = (() => {
  const random = mulberry32(9)
  const radius = (i: number, at: readonly number[]): number =>
    Math.hypot(
      (Math.floor(i / (H * W)) - D / 2 + 0.5) / at[0]!,
      ((Math.floor(i / W) % H) - H / 2 + 0.5) / at[1]!,
      ((i % W) - W / 2 + 0.5) / at[2]!,
    )
  const tissue = Uint8Array.from({ length: D * H * W }, (_, i) => {
    const [brain, skull] = [radius(i, [10, 12, 11]), radius(i, [13.5, 16.5, 14.5])]
    if (radius(i, [2, 3, 2]) <= 1) return 1
    if (brain <= 1) return brain <= 0.75 ? 3 : 2
    return skull > 1 ? 0 : skull > 0.9 ? 4 : 1
  })
  const field = Float32Array.from({ length: D * H * W }, (_, i) => Math.exp(0.6 * ((i % W) / W - 0.5)))
  const scan = Float32Array.from(
    tissue,
    (kind, i) => field[i]! * ([0, 5, 60, 90, 100][kind]! + (kind > 0 ? 2 * random() : 0)),
  )
  return { tissue, scan, brain: tissue.map((_, i) => (radius(i, [10, 12, 11]) <= 1 ? 1 : 0)) }
})()

/** A network that finds what is brighter than a quarter of the scan's range: brain and skull. */
const bright = () =>
  makeTfjs(
    [
      { name: 'copy', inputs: 1, outputs: 1, kernel: 3, dilation: 4, bias: false, activation: 'relu' },
      { name: 'output', inputs: 1, outputs: 2, kernel: 1, dilation: 1, bias: true },
    ],
    ({ kernel }) =>
      kernel === 1 ? Float32Array.of(0, 1) : Float32Array.from({ length: 27 }, (_, i) => (i === 13 ? 1 : 0)),
    ({ outputs }) => (outputs === 2 ? Float32Array.of(0.25, 0) : undefined),
  )

/** A folder that holds the head as `sub-01_T2w.nii.gz`, and the network as `network/`. */
export async function makeHead() {
  const folder = mkdtempSync(join(tmpdir(), 'sae-prepare-'))
  const path = (name: string): string => join(folder, name)
  const writeNetwork = async (name: string, change?: (model: TfjsJson) => void): Promise<string> => {
    const { model, bin } = bright()
    change?.(model)
    await mkdir(path(name))
    await writeFile(path(`${name}/model.json`), JSON.stringify(model))
    await writeFile(path(`${name}/model.bin`), bin)
    return path(name)
  }
  const scan = path('sub-01_T2w.nii.gz')
  await writeVolume(scan, { data: head.scan, channels: 1, grid, source: scan }, 'float32')
  const network = await writeNetwork('network')
  return {
    folder,
    path,
    scan,
    network,
    writeNetwork,
    remove: () => {
      rmSync(folder, { recursive: true })
    },
  }
}
