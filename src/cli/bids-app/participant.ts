import { UserError } from '../../errors.js'
import { defaultEm } from '../../sae/mixture/em-settings.js'
import { defaultTraining } from '../../sae/settings.js'
import { em } from '../segment/em-scans.js'
import { segment, type SegmentOptions } from '../segment/segment-scans.js'
import type { CohortOptions } from '../cohort/cohort.js'
import type { Terminal } from '../terminal.js'
import { findDatasetScans } from './dataset-scans.js'

/** Options of the BIDS App: those that `sae segment` and `sae em` share. */
export type AppOptions = CohortOptions &
  Omit<
    SegmentOptions,
    | 'output'
    | 'prior'
    | 'weights'
    | 'entropy'
    | 'reconstruction'
    | 'refine'
    | 'beta'
    | 'k'
    | 'report'
    | 'precision'
    | 'wholeGrid'
    | 'profile'
    | 'layout'
  > & { readonly weights?: string }

/**
 * Segments the scans of a dataset: with trained weights if there are any, else by expectation maximisation.
 *
 * @throws UserError if an input is wrong or an output is in the way
 */
export async function participant(
  dataset: string,
  output: string,
  options: AppOptions,
  terminal: Terminal,
): Promise<void> {
  const { prior, weights, every, ...shared } = options
  if (prior === undefined) throw new UserError('the level participant needs --prior; make one with sae prior')
  const { cohort, naming } = await findDatasetScans(dataset, output, options, terminal)
  const common = { ...shared, prior, output }
  if (weights !== undefined) {
    const { beta, neighbourhood: k } = defaultTraining
    const asked = { ...common, weights, ...(every === undefined ? {} : { every }), refine: 0, beta, k }
    await segment(cohort.scans, asked, terminal, naming)
    return
  }
  const { beta, neighbourhood: k, potential, bias, iterations } = defaultEm
  // sae em takes one number for all classes.
  const components = Number(defaultEm.components)
  const asked = { ...common, every: every ?? 1, components, beta, k, potential, bias, iterations }
  await em(cohort.scans, asked, terminal, naming)
}
