import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../errors.js'
import { descriptionName, isBidsDataset } from '../cohort/bids-dataset.js'
import { bidsNaming, type Naming } from '../cohort/bids-derivatives.js'
import { findScans, type Cohort, type CohortOptions } from '../cohort/cohort.js'
import type { Terminal } from '../terminal.js'

/**
 * Finds the scans of a dataset, and what their results are called.
 *
 * @throws UserError if the folder is not a BIDS dataset, has no such scan, or is the folder of the results too
 */
export async function findDatasetScans(
  dataset: string,
  output: string,
  options: CohortOptions,
  terminal: Terminal,
): Promise<{ cohort: Cohort; naming: Naming }> {
  if (!existsSync(dataset)) throw new UserError(`${dataset}: there is no such folder; give a BIDS dataset`)
  if (!isBidsDataset(dataset))
    throw new UserError(`${dataset}: is not a BIDS dataset; it lacks ${descriptionName}`)
  if (existsSync(output) && realpathSync(output) === realpathSync(dataset))
    throw new UserError(
      `${output}: is the dataset itself; give another folder, such as ${join(dataset, 'derivatives', 'sae')}`,
    )
  const cohort = await findScans([dataset], options, terminal)
  return { cohort, naming: bidsNaming(cohort, { layout: 'bids' })! }
}
