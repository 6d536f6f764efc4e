import { UserError } from '../../errors.js'
import type { LabelTable } from '../labels/label-table.js'
import type { Random } from '../phantom/random.js'
import { airAndFluid, mixedTissue, regionOf, type Component, type Region } from './tissues.js'

/**
 * The intensities of each class, a Gaussian mixture. Those of class 0 are of what a skull-stripped scan shows around the
 * brain (fluid, membranes, vessels); farther out, a scan is 0.
 */
export type IntensityModel = readonly (readonly Component[])[]

/** Contrasts that need only the codes of the classes. */
export type Contrast = 't1' | 't2' | 'random'

/**
 * The intensities of a contrast for the classes of a table, whose codes are FreeSurfer's.
 *
 * T1 has the scale of the public OASIS scans, 0 to 1: white matter 0.4. A class of several regions has a component for
 * each; one whose codes are unknown gets a random mean. 'random' gives every region a mean of its own, the same on both
 * sides of the brain.
 */
export function contrastModel(contrast: Contrast, table: LabelTable, random: Random): IntensityModel {
  const drawn = new Map<unknown, readonly Component[]>()
  const draw = (key: unknown): readonly Component[] => {
    const components = drawn.get(key) ?? [
      { weight: 1, mean: random.uniform(), deviation: 0.005 + 0.03 * random.uniform() },
    ]
    drawn.set(key, components)
    return components
  }
  const ofRegion = (region: Region): readonly Component[] =>
    contrast === 'random' ? draw(region) : [{ weight: 1, ...region[contrast] }]
  return table.classes.map(({ codes }, c) => {
    if (contrast !== 'random' && c === 0) return airAndFluid[contrast]
    if (contrast !== 'random' && c === table.rest) return mixedTissue[contrast]
    const regions = new Set(codes.map(regionOf))
    return Array.from(regions).flatMap((region) => (region ? ofRegion(region) : draw(c)))
  })
}

/**
 * Moves the mean of every component by up to `amount` of the span of all means, each class independently, with all its
 * components together.
 */
export function jitterMeans(model: IntensityModel, random: Random, amount: number): IntensityModel {
  const means = model.flatMap((components) => components.map(({ mean }) => mean))
  const span = means.reduce((a, b) => Math.max(a, b)) - means.reduce((a, b) => Math.min(a, b))
  return model.map((components) => {
    const shift = random.within(amount * span)
    return components.map((component) => ({
      ...component,
      mean: Math.min(Math.max(component.mean + shift, 0), 1),
    }))
  })
}

/** Returns `model` if it is sound. @throws UserError with the class that is not */
export function checkModel(model: IntensityModel, classes: number, source = 'intensities'): IntensityModel {
  if (model.length < classes) {
    throw new UserError(`${source}: of ${model.length} classes, but the labels have ${classes}`)
  }
  model.forEach((components, c) => {
    if (components.length === 0) throw new UserError(`${source}: class ${c} has no component`)
    for (const { weight, mean, deviation } of components) {
      if (!(weight > 0 && weight < Infinity && mean >= 0 && mean <= 1 && deviation >= 0 && deviation <= 1)) {
        throw new UserError(
          `${source}: class ${c} has a component of weight ${weight}, mean ${mean}, deviation ${deviation}; give a weight above 0, the others in 0..1`,
        )
      }
    }
  })
  return model
}
