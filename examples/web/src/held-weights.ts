import { UserError, type CheckpointInfo, type LabelTable, type NamedTensor } from 'sae-webgpu'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint-file.js'
import { namedBy, type DataSet } from './data-set.js'
import { requireFits, type Network } from './network.js'
import type { Run } from './run.js'

/** Weights that outlive the data they were trained on or opened for: the next scan may be segmented with them. */
export interface HeldWeights {
  /** What they are, in words. */
  readonly name: string
  readonly tensors: ReadonlyMap<string, NamedTensor>
  readonly info: CheckpointInfo
  readonly table: LabelTable
  /** Where else they are, as a sentence; empty if they come from a file of the visitor's. */
  readonly place: string
}

/** Reads weights off the device. @param run that trains them, whose state is not held */
export async function holdWeights(
  { model, variables, intensities, hasDecoder }: Network,
  run: Run | undefined,
  table: LabelTable,
  name: string,
  place: string,
): Promise<HeldWeights> {
  const whole = hasDecoder || run?.current.progress !== undefined
  const bytes = await encodeCheckpoint(model, variables, whole, table, intensities, undefined)
  return { ...decodeCheckpoint(bytes, 'held.safetensors'), name, table, place }
}

/** Data with the classes of weights, if these can segment them; and one line about it. */
export function dataFor(
  { name, info, table, place }: HeldWeights,
  data: DataSet,
): { readonly data: DataSet | undefined; readonly line: string } {
  const unfit = (line: string) => ({ data: undefined, line: `${line}. ${place}`.trim() })
  const source = `Not segmented with ${name}`
  if (!data.knowledge) return unfit(`${source}: add their prior`)
  try {
    requireFits(info, data, data.knowledge, source)
  } catch (error) {
    if (error instanceof UserError) return unfit(error.message)
    throw error
  }
  const named = namedBy(data, table)
  if (JSON.stringify(named.knowledge?.table) !== JSON.stringify(table))
    return unfit(`${source}: the classes of this prior are others`)
  return { data: named, line: `Segmented with ${name}. ${place}`.trim() }
}
