import { firstReadable } from '../cohort/failed-scans.js'
import { firstFile } from './channel-files.js'
import { matchRun } from '../grids/match-run.js'
import { everyAsTrained, trainedGridOf } from '../grids/trained-grid.js'
import { readLabels, tryScan } from './inputs.js'
import { Terminal } from '../terminal.js'
import { readWeights, requireChannels, type WeightsFile } from './weights-file.js'

/** What decides how scans are read for trained weights. */
interface Reading {
  readonly weights: string
  readonly prior: string
  readonly every?: number
  readonly matchByIndex: boolean
  readonly volume?: number
  readonly resample?: boolean
  readonly keepGoing?: boolean
}

/** Weights, and how they take scans. */
export interface ReadyWeights {
  readonly weights: WeightsFile
  /** Every n-th voxel: as asked for, else as in training if the voxels are those of its scans. */
  readonly every: number
}

/** Reads the weights of a run. @throws UserError if they cannot be read, or are for scans of other channels */
export async function readyWeights(scans: readonly string[], asked: Reading): Promise<ReadyWeights> {
  const weights = await readWeights(asked.weights)
  requireChannels(weights, scans)
  const sized = asked.resample ? asked.prior : await firstReadable(scans, asked.keepGoing)
  return { weights, every: asked.every ?? (await everyAsTrained(trainedGridOf(weights), firstFile(sized))) }
}

/**
 * Requires that a scan can be segmented, and its label map read if it has one: they fit the prior, and so does every voxel.
 *
 * @throws UserError
 */
export async function requireUsable(
  { scan, labels }: { readonly scan: string; readonly labels?: string | undefined },
  { weights, every }: ReadyWeights,
  { prior, matchByIndex, volume, resample = false }: Reading,
): Promise<void> {
  const own = labels === undefined ? undefined : [labels]
  await matchRun({ prior, scans: [scan], labels: own, volume }, every, { matchByIndex, resample }, silent)
  await tryScan(scan, { intensities: weights.info.intensities, volume }, silent)
  if (labels !== undefined) await readLabels(labels, silent, volume)
}

/** What is odd about a scan is said when it is used. */
const silent = new Terminal('silent')
