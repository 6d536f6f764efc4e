import { UserError } from '../../errors.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { Random } from '../../sae/phantom/random.js'
import {
  contrastModel,
  jitterMeans,
  type Contrast,
  type IntensityModel,
} from '../../sae/synth/intensities.js'
import { regionOf } from '../../sae/synth/tissues.js'
import { modelFromFile, readIntensities } from './intensity-file.js'
import type { SynthOptions } from './synth-options.js'

/** What regions look like. */
export interface Look {
  /** Equal for label codes that look alike; undefined for a code that no other looks like. */
  readonly of: (code: number) => unknown
  /** Draws the intensities of a scan from the classes that are painted. */
  readonly intensities: (painted: LabelTable) => (random: Random) => IntensityModel
}

/** The looks that `--contrast` names, separated by commas, and `--jitter` describe. @throws UserError if one cannot be painted */
export async function readLooks(options: SynthOptions): Promise<Look[]> {
  const looks: Look[] = []
  for (const contrast of contrastsOf(options)) looks.push(await readLook(contrast, options))
  return looks
}

/** The contrasts that `--contrast` lists. */
export const contrastsOf = ({ contrast }: Pick<SynthOptions, 'contrast'>): string[] => contrast.split(',')

/** Which codes look alike in every contrast, as `Look.of`. */
export function alikeInAll(looks: readonly Look[]): Look['of'] {
  const [first, ...others] = looks
  if (others.length === 0) return first!.of
  const numbers = new Map<unknown, number>()
  const numberOf = (look: unknown): number => {
    if (!numbers.has(look)) numbers.set(look, numbers.size)
    return numbers.get(look)!
  }
  return (code) => looks.map(({ of }) => numberOf(of(code) ?? code)).join()
}

async function readLook(contrast: string, { jitter, classes }: SynthOptions): Promise<Look> {
  if (/\.json$/i.test(contrast)) {
    const file = await readIntensities(contrast)
    const intensities: Look['intensities'] = (painted) => {
      const model = modelFromFile(file, painted)
      return (random) => jitterMeans(model, random, jitter ?? 0)
    }
    return { of: (code) => file.byCode.get(code), intensities }
  }
  if (!isContrast(contrast)) throw new UserError(`--contrast ${contrast}: give t1, t2, random or FILE.json`)
  if (contrast !== 'random' && areClasses(classes)) {
    throw new UserError(
      `--contrast ${contrast} needs to know what the labels are, but --classes ${classes!} does not say; give --contrast random or FILE.json`,
    )
  }
  const amount = jitter ?? (contrast === 'random' ? 0 : 0.03)
  const intensities: Look['intensities'] = (painted) => (random) =>
    jitterMeans(contrastModel(contrast, painted, random), random, amount)
  return { of: regionOf, intensities }
}

function isContrast(text: string): text is Contrast {
  return ['t1', 't2', 'random'].includes(text)
}

/** Whether label maps hold the classes 0..K-1, which have no meaning of their own. */
export function areClasses(table: string | undefined): boolean {
  return /^\d+$/.test(table ?? '')
}
