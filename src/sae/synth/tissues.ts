/** One Gaussian of a class's intensities. */
export interface Component {
  /** Share of the class, above 0; only the ratios within a class count. */
  readonly weight: number
  /** Intensity, in 0..1. */
  readonly mean: number
  /** Standard deviation, 0 or more. */
  readonly deviation: number
}

/** The look of a region. */
type Look = Pick<Component, 'mean' | 'deviation'>

/** A region with one intensity, its codes those of FreeSurfer, both sides. */
export interface Region {
  readonly codes: readonly number[]
  readonly t1: Look
  readonly t2: Look
}

function region(codes: readonly number[], t1: number, t2: number, texture = 0.018): Region {
  return { codes, t1: { mean: t1, deviation: texture }, t2: { mean: t2, deviation: 1.4 * texture } }
}

const cortex = region([3, 42, 19, 55, 20, 56], 0.25, 0.44, 0.03)
const whiteMatter = region([2, 41, 78, 79, 155, 156], 0.42, 0.28)

/**
 * Intensities by region. T1: what the middles of the regions show in the public OASIS scans, on a scale of 0 to 1; T2: usual
 * ratios of a T2-weighted spin echo at 3 T, fluid brightest.
 */
const regions: readonly Region[] = [
  whiteMatter,
  cortex,
  region([4, 5, 14, 15, 43, 44, 72, 213, 221], 0.05, 0.88, 0.015), // ventricles
  region([24, 122, 257], 0.06, 0.85), // other fluid
  region([7, 46], 0.345, 0.3), // cerebellar white matter
  region([8, 47, 172], 0.235, 0.43, 0.03), // cerebellar cortex, vermis
  region([9, 10, 48, 49], 0.345, 0.36, 0.022), // thalamus
  region([11, 50], 0.3, 0.4), // caudate
  region([12, 51], 0.33, 0.36), // putamen
  region([13, 52], 0.4, 0.24), // pallidum
  region([16, 170, 171, 173, 174, 175, 178], 0.345, 0.31, 0.025), // brain-stem
  region([17, 53], 0.255, 0.45), // hippocampus
  region([18, 54], 0.255, 0.45), // amygdala
  region([26, 58], 0.28, 0.41), // accumbens
  region([28, 60], 0.385, 0.3, 0.025), // ventral diencephalon
  region([25, 57, 77, 80, 81, 82], 0.31, 0.5), // lesions, hypointensities of T1
  region([30, 62], 0.26, 0.4), // vessels
  region([31, 63, 136, 137, 163, 164], 0.19, 0.65, 0.04), // choroid plexus
  region([85], 0.28, 0.35), // optic chiasm
  region([192, 250, 251, 252, 253, 254, 255], 0.43, 0.26), // corpus callosum, fornix
]

const byCode = new Map(regions.flatMap((entry) => entry.codes.map((code) => [code, entry] as const)))

/** The region that a FreeSurfer code belongs to; undefined for a code without a known intensity. */
export function regionOf(code: number): Region | undefined {
  if (code >= 1000 && code < 3000) return cortex // parcels of aparc+aseg
  if (code >= 3000 && code < 5000) return whiteMatter // parcels of wmparc
  return byCode.get(code)
}

/** True for a FreeSurfer code of what a skull-stripped segmentation leaves out: fluid around the brain, skull, skin, air. */
export function isOutsideBrain(code: number): boolean {
  return (
    code === 0 || code === 24 || code === 165 || code === 258 || code === 259 || (code >= 500 && code < 600)
  )
}

/** What skull stripping leaves around a brain: fluid, membranes and uncounted cortex, a few vessels. */
export const airAndFluid: Readonly<Record<'t1' | 't2', readonly Component[]>> = {
  t1: [
    { weight: 0.5, mean: 0.06, deviation: 0.025 },
    { weight: 0.48, mean: 0.14, deviation: 0.03 },
    { weight: 0.02, mean: 0.3, deviation: 0.08 },
  ],
  t2: [
    { weight: 0.7, mean: 0.78, deviation: 0.06 },
    { weight: 0.28, mean: 0.6, deviation: 0.08 },
    { weight: 0.02, mean: 0.2, deviation: 0.05 },
  ],
}

/** A class of all other regions: the diencephalon and the corpus callosum, nuclei, small ventricles. */
export const mixedTissue: Readonly<Record<'t1' | 't2', readonly Component[]>> = {
  t1: [
    { weight: 0.55, mean: 0.39, deviation: 0.025 },
    { weight: 0.25, mean: 0.28, deviation: 0.03 },
    { weight: 0.2, mean: 0.12, deviation: 0.04 },
  ],
  t2: [
    { weight: 0.55, mean: 0.29, deviation: 0.03 },
    { weight: 0.25, mean: 0.41, deviation: 0.04 },
    { weight: 0.2, mean: 0.75, deviation: 0.08 },
  ],
}
