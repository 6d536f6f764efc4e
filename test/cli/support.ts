import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeVolume } from '../../src/io/files.js'
import type { Grid } from '../../src/io/volume.js'
import type { VoxelType } from '../../src/io/voxel-type.js'
import { toCodes } from '../../src/sae/labels/label-codes.js'
import { makePhantom, phantomTable } from '../../src/sae/phantom/phantom.js'

/** The built command, which `npm test` makes first. */
export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** The BIDS App. */
const bidsApp = fileURLToPath(new URL('../../dist/cli/sae-bids.js', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly stdout: string
  /** Lines on stderr. */
  readonly errors: readonly string[]
}

/** Runs `sae` with these arguments. */
export const sae = (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> => run(program, args, environment)

/** Runs `sae-bids` with these arguments. */
export const saeBids = (args: readonly string[]): Promise<Outcome> => run(bidsApp, args, {})

function run(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [script, ...args],
      { env: { ...process.env, ...environment } },
      (_, stdout, stderr) => {
        const lines = stderr.split('\n').filter((line) => line !== '')
        resolve({ code: child.exitCode ?? -1, stdout, errors: lines })
      },
    )
  })
}

/** Runs `sae`, which must succeed. */
export async function succeed(args: readonly string[]): Promise<Outcome> {
  const outcome = await sae(args)
  if (outcome.code !== 0)
    throw new Error(`sae ${args.join(' ')}: exit code ${outcome.code}: ${outcome.errors.join('\n')}`)
  return outcome
}

/** The names in a folder, without those that sae keeps for itself. */
export function visibleFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()
}

/** An odd shape, so that the network pads and crops; small enough that it pads to 16 x 16 x 16. */
export const shape = [15, 16, 13] as const

/** Placed askew, by a qform and a sform that agree. */
export const grid: Grid = placedGrid(shape)

function placedGrid([D, H, W]: readonly [number, number, number]): Grid {
  // A half turn about the z axis (quaternion 0, 0, 1), voxels of 1 x 1.5 x 2 mm.
  const affine = [
    [-1, 0, 0, 90],
    [0, -1.5, 0, 126],
    [0, 0, 2, -72],
    [0, 0, 0, 1],
  ]
  return {
    shape: [D, H, W],
    affine,
    known: true,
    header: {
      pixdim: [1, 1, 1.5, 2, 0, 0, 0, 0],
      xyztUnits: 2,
      qformCode: 1,
      sformCode: 4,
      quaternion: [0, 0, 1],
      qoffset: [90, 126, -72],
      qform: affine,
      sform: affine,
    },
  }
}

/** Files of a small study: two subjects with reference labels, the labels of a third, and the table of classes. */
export interface Study {
  readonly folder: string
  readonly scans: readonly [string, string]
  readonly labels: readonly [string, string]
  readonly unpaired: string
  readonly classes: string
  /** A path in the folder. */
  readonly path: (name: string) => string
  readonly write: (
    name: string,
    data: Float32Array,
    type: VoxelType,
    on?: Grid,
    channels?: number,
  ) => Promise<string>
  readonly remove: () => void
}

export async function makeStudy(): Promise<Study> {
  const folder = mkdtempSync(join(tmpdir(), 'sae-cli-'))
  const path = (name: string): string => join(folder, name)
  const write: Study['write'] = async (name, data, type, on = grid, channels = 1) => {
    await writeVolume(path(name), { data, channels, grid: on, source: name }, type)
    return path(name)
  }
  const codes = (classes: Uint8Array): Float32Array => Float32Array.from(toCodes(classes, phantomTable))
  const { subjects, unpaired } = makePhantom({ shape: [16, 16, 16], subjects: 2 })
  const [a, b] = subjects
  await writeFile(path('classes.json'), JSON.stringify(phantomTable))
  return {
    folder,
    path,
    write,
    scans: [
      await write('a.nii.gz', crop(a!.scan), 'float32'),
      await write('b.nii', stretch(crop(b!.scan), -3, 250), 'float32'),
    ],
    labels: [
      await write('a-labels.nii.gz', codes(crop(a!.labels)), 'uint8'),
      await write('b-labels.npz', codes(crop(b!.labels)), 'uint8'),
    ],
    unpaired: await write('unpaired.npz', codes(crop(unpaired.labels)), 'int16'),
    classes: path('classes.json'),
    remove: () => {
      rmSync(folder, { recursive: true })
    },
  }
}

/** `prior.nii.gz` of a study. */
export async function makePrior({ unpaired, classes, path }: Study): Promise<void> {
  await succeed(['prior', unpaired, '--classes', classes, '--floor', '1e-4', '-o', path('prior.nii.gz')])
}

/** The first voxels of a 16 x 16 x 16 volume. */
function crop<T extends Float32Array | Uint8Array>(data: T): T {
  const inside = data.filter((_: number, i: number) => i % 16 < shape[2] && Math.floor(i / 256) < shape[0])
  return inside as T
}

/** The same picture in other units. */
function stretch(data: Float32Array, low: number, high: number): Float32Array {
  const most = data.reduce((a, b) => Math.max(a, b))
  return data.map((value) => low + ((high - low) * value) / most)
}
