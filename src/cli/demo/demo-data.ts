import { join } from 'node:path'
import { writeOutputVolume } from '../outputs/output-files.js'
import { unknownGrid, type Grid } from '../../io/volume.js'
import type { TrainingScan } from '../../sae/training/batches.js'
import { toCodes } from '../../sae/labels/label-codes.js'
import { makePhantom, phantomTable } from '../../sae/phantom/phantom.js'
import { priorFromLabels } from '../../sae/prior/prior-from-labels.js'
import type { Prior } from '../../sae/prior/prior.js'
import { writePrior } from '../prior/prior-file.js'

/** A phantom with its reference, both in memory. */
interface DemoScan extends TrainingScan {
  readonly data: Float32Array
  readonly truth: Uint8Array
}

/** Phantoms to learn from, all with a reference, and a prior made from one more subject. */
export interface DemoData {
  readonly scans: readonly DemoScan[]
  readonly prior: Prior
  readonly grid: Grid
}

/** Blur of the prior in voxels; smaller than for real scans because the phantoms have larger voxels. */
const blur = 1
/** Probabilities below this become 0: a blurred edge is not a reason to expect a class. */
const floor = 0.02

/** Strong enough that intensities alone leave specks, which the MRF prior should remove. */
const noise = 0.2

/** Makes the phantoms of a seed and writes them, and the prior, to a folder as NIfTI. */
export async function makeDemoData(
  folder: string,
  shape: readonly [number, number, number],
  subjects: number,
  seed: number,
): Promise<DemoData> {
  const phantom = makePhantom({ seed, shape, subjects, variability: 1.2, noise })
  const classes = phantomTable.classes.length
  const grid = unknownGrid(shape)
  const scans = phantom.subjects.map(({ scan, labels }, i) => ({
    name: demoName(i),
    data: scan,
    truth: labels,
  }))
  const prior = {
    data: priorFromLabels(phantom.unpaired.labels, shape, classes, { sigma: blur, floor, normalise: true }),
    classes,
    shape,
  }
  for (const { name, data, truth } of scans) {
    await writeOutputVolume(
      join(folder, `${name}_T1w.nii.gz`),
      { data, channels: 1, grid, source: name },
      'float32',
    )
    await writeLabels(join(folder, `${name}_truth.nii.gz`), truth, grid)
  }
  await writeLabels(join(folder, 'prior-subject_labels.nii.gz'), phantom.unpaired.labels, grid)
  const file = join(folder, 'prior.nii.gz')
  await writePrior(file, { data: prior.data, channels: classes, grid, source: file }, phantomTable, {
    sources: ['prior-subject_labels.nii.gz'],
    blur,
    floor,
    every: 1,
  })
  return { scans, prior, grid }
}

/** The name of phantom `i`, counted from 0. */
export function demoName(i: number): string {
  return `sub-${String(i + 1).padStart(2, '0')}`
}

/** Writes classes of the phantoms as FreeSurfer codes. */
export async function writeLabels(path: string, classes: Uint8Array, grid: Grid): Promise<void> {
  const data = Float32Array.from(toCodes(classes, phantomTable))
  await writeOutputVolume(path, { data, channels: 1, grid, source: path }, 'int16')
}
