import type { LabelClass, LabelTable } from './label-table.js'

type Ranges = NonNullable<LabelClass['ranges']>

function labelClass(
  name: string,
  abbreviation: string,
  codes: readonly number[],
  ranges: Ranges = [],
): LabelClass {
  return { name, abbreviation, codes, ...(ranges.length > 0 ? { ranges } : {}) }
}

/** Parcels of the cortex: aparc and DKT (aparc+aseg, SynthSeg, FastSurfer), then aparc.a2009s; left and right of each. */
const cortexParcels: Ranges = [
  [1000, 1035],
  [2000, 2035],
  [11100, 11175],
  [12100, 12175],
]

/** The white matter below each of these parcels (wmparc), and what is left between. */
const whiteMatterParcels: Ranges = [
  [3000, 3035],
  [4000, 4035],
  [5001, 5002],
  [13100, 13175],
  [14100, 14175],
]

/** Lobules of the cerebellum (FastSurfer's CerebNet). */
const cerebellarLobules: Ranges = [
  [601, 628],
  [630, 632],
]

/** Structures that FreeSurfer, SynthSeg, SAMSEG and FastSurfer label and that are none of the 12 regions. */
const otherStructures: Ranges = [
  [5, 5], // inferior lateral ventricle
  [14, 15], // third and fourth ventricle
  [24, 26], // fluid, lesion, accumbens
  [28, 28], // ventral diencephalon
  [30, 31], // vessel, choroid plexus
  [44, 44],
  [57, 58],
  [60, 60],
  [62, 63],
  [72, 72], // fifth ventricle
  [77, 82], // hypointensities
  [85, 85], // optic chiasm
  [99, 99], // lesion
  [136, 137], // choroid plexus
  [163, 165], // choroid plexus, skull
  [251, 255], // corpus callosum
  [257, 259], // fluid, skull, skin
  [500, 599], // head outside the brain
]

/**
 * The 14 classes of the SAE paper in FreeSurfer codes, both sides merged (docs/equations.md, "Classes"). Finer parcels of a
 * region belong to it: those of aparc+aseg, aparc.a2009s+aseg, wmparc and of FastSurfer's cerebellum.
 * Every other label is class 13, written back as FreeSurfer's "undetermined".
 */
export const freeSurferTable: LabelTable = {
  classes: [
    labelClass('background', 'bg', [0]),
    labelClass('pallidum', 'pal', [13, 52]),
    labelClass('amygdala', 'amy', [18, 54]),
    labelClass('caudate', 'cau', [11, 50]),
    labelClass('cerebral cortex', 'ctx', [3, 42], cortexParcels),
    labelClass('hippocampus', 'hip', [17, 53]),
    labelClass('thalamus', 'tha', [10, 49]),
    labelClass('putamen', 'put', [12, 51]),
    labelClass('cerebral white matter', 'wm', [2, 41], whiteMatterParcels),
    labelClass('cerebellum cortex', 'cbctx', [8, 47], cerebellarLobules),
    labelClass('lateral ventricle', 'lv', [4, 43]),
    labelClass('cerebellum white matter', 'cbwm', [7, 46]),
    labelClass('brain-stem', 'bs', [16]),
    labelClass('other', 'other', [29, 61], otherStructures),
  ],
  rest: 13,
}

/** Left codes of FreeSurfer's pairs, each with its right code. */
const rightOf = new Map([
  ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map((left) => [left, left + 39] as const),
  ...[17, 18, 19, 20].map((left) => [left, left + 36] as const),
  ...[25, 26, 27, 28, 29, 30, 31].map((left) => [left, left + 32] as const),
  [78, 79] as const,
  [81, 82] as const,
])

/** Whether two codes are the left and the right side of one structure in FreeSurfer's coding. */
export function isFreeSurferPair(left: number, right: number): boolean {
  return rightOf.get(left) === right
}
