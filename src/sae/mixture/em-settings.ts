import { UserError } from '../../errors.js'
import { requireNeighbourhood } from '../../ops/shared/neighbourhood.js'
import type { MemoryOptions } from '../plan-by-batch.js'
import type { MrfPotential } from '../prior/mrf-table.js'
import { requireNotNegative, requirePositive, requireWhole } from '../settings.js'

/** Settings of expectation maximisation. */
export interface EmSettings {
  /** Gaussians of each class, 1 to 3: one number for all, or one for each class. */
  readonly components: number | readonly number[]
  /** Weight of the MRF for each neighbour; 0 for the spatially independent prior. */
  readonly beta: number
  /** Edge length k of the MRF's neighbourhood: odd, 3 to 21. */
  readonly neighbourhood: number
  /** Potentials of the MRF. */
  readonly potential: MrfPotential
  /** Largest order of the cosines in the bias field, 1 to 4; 0 for no field. */
  readonly bias: number
  /** Maximum number of iterations. */
  readonly iterations: number
  /** Stops when the log-likelihood per voxel changes by less than this. */
  readonly tolerance: number
  /** Least variance of a Gaussian, as a share of the scan's. */
  readonly varianceFloor: number
}

/** The best settings on average over a real scan, synthetic scans and phantoms. */
export const defaultEm: EmSettings = {
  components: 2,
  beta: 0.005,
  neighbourhood: 3,
  potential: 'pointwise',
  bias: 2,
  iterations: 50,
  tolerance: 1e-5,
  varianceFloor: 0.03,
}

/** Some of the settings, the channels of the scans, and bounds on memory. */
export interface EmOptions extends Partial<EmSettings>, MemoryOptions {
  /** C of the scans. Default 1. */
  readonly channels?: number
}

/** @throws UserError naming the first setting that is out of range */
export function checkEmSettings(settings: EmSettings): void {
  const { components, beta, neighbourhood, bias, iterations, tolerance, varianceFloor } = settings
  for (const count of [components].flat()) requireUpTo('components', count, 1, 3)
  requireNotNegative('beta', beta)
  requireNeighbourhood(neighbourhood)
  requireUpTo('the order of the bias field', bias, 0, 4)
  requireWhole('iterations', iterations, 1)
  requireNotNegative('tolerance', tolerance)
  requirePositive('variance floor', varianceFloor)
}

/** The Gaussians of each class, [K]. @throws UserError if counts are given for another number of classes */
export function componentCounts(components: EmSettings['components'], classes: number): readonly number[] {
  if (typeof components === 'number') return Array.from({ length: classes }, () => components)
  if (components.length === classes) return components
  throw new UserError(`components are given for ${components.length} classes, but the prior has ${classes}`)
}

function requireUpTo(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UserError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
