import { join } from 'node:path'
import { writeVolume } from '../../src/io/files.js'
import type { Grid } from '../../src/io/volume.js'
import { Random } from '../../src/sae/phantom/random.js'
import { Brain, foldWavelength } from './brain.js'
import { Waves } from './waves.js'

/** The point in the middle of every map, in millimetres about the anterior commissure. */
const middle = [0, -15, 3] as const

/**
 * Writes label maps of brains of one family, in FreeSurfer's codes.
 *
 * @param seed same seed, same brains
 * @param size of the voxels in millimetres
 * @returns the files
 */
export async function writeFamily(
  folder: string,
  { count, seed, shape, size }: FamilyOptions,
  tell: (line: string) => void,
): Promise<string[]> {
  const random = new Random(seed)
  const common = new Waves(random.fork(), foldWavelength)
  const paths: string[] = []
  for (let i = 0; i < count; i++) {
    const path = join(folder, `brain-${i + 1}.nii.gz`)
    await writeMap(path, new Brain(random.fork(), common), shape, size)
    tell(path)
    paths.push(path)
  }
  return paths
}

export interface FamilyOptions {
  readonly count: number
  readonly seed: number
  /** Voxels from left to right, from back to front, from bottom to top. */
  readonly shape: readonly [number, number, number]
  readonly size: number
}

async function writeMap(
  path: string,
  brain: Brain,
  [D, H, W]: readonly [number, number, number],
  size: number,
): Promise<void> {
  const corner = middle.map((centre, axis) => centre - (size * ([D, H, W][axis]! - 1)) / 2)
  const data = new Float64Array(D * H * W)
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++)
        data[i] = brain.codeAt([corner[0]! + size * d, corner[1]! + size * h, corner[2]! + size * w])
    }
  }
  const affine = [
    [size, 0, 0, corner[0]!],
    [0, size, 0, corner[1]!],
    [0, 0, size, corner[2]!],
    [0, 0, 0, 1],
  ]
  const grid: Grid = { shape: [D, H, W], affine, known: true }
  await writeVolume(path, { data, channels: 1, grid, source: path }, 'uint8')
}
