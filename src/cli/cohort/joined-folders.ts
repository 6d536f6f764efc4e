import { UserError } from '../../errors.js'
import { channelFiles, scanOf } from '../inputs/channel-files.js'
import { isBidsDataset } from './bids-dataset.js'
import { isDirectory, isPattern } from './folder-volumes.js'
import { describeUnpaired, pairByName } from './name-pairs.js'

/** Ends of names that say what a contrast is, not of whom: BIDS's suffix of any name with `sub-`, else common ones. */
const contrasts = {
  ending: /(?:[-_.](?:t1w?|t2w?|pdw?|flair)|(?<=(?:^|_)sub-.*)_[a-z0-9]+)$/i,
  bySession: true,
}

/**
 * The parts of an argument that joins folders or globs by commas, one for each channel of many scans; undefined if it is
 * no such argument.
 *
 * @throws UserError if one of them is the folder of a BIDS dataset
 */
export function joinedFolders(argument: string): string[] | undefined {
  const parts = channelFiles(argument)
  if (parts.length === 1 || !parts.every((part) => isDirectory(part) || (isPattern(part) && isWhole(part))))
    return undefined
  const dataset = parts.find((part) => isDirectory(part) && isBidsDataset(part))
  if (dataset === undefined) return parts
  throw new UserError(
    `${argument}: commas join folders of one contrast each, but ${dataset} is a BIDS dataset; give it alone, with --suffix T1w,T2w`,
  )
}

/** Whether a glob was not cut at a comma of its braces. */
const isWhole = (pattern: string): boolean => pattern.split('{').length === pattern.split('}').length

/**
 * The scans whose channels lie in folders of their own, in the order of the first, paired by name.
 *
 * @param files the scans in each of them
 * @throws UserError with all that have no partner
 */
export function joinByName(argument: string, files: readonly (readonly string[])[]): string[] {
  const [first, ...others] = files as [readonly string[], ...(readonly string[])[]]
  const found = others.map((other) => pairByName(first, other, contrasts))
  const unpaired = new Map(
    found.flatMap(({ unpaired }) => [...unpaired.first, ...unpaired.second]).map((one) => [one.file, one]),
  )
  if (unpaired.size > 0)
    throw new UserError(
      `${argument}: these have no partner by their names: ${describeUnpaired([...unpaired.values()])}; give them equal names or equal sub- and ses-, or join files in a list`,
    )
  return first.map((file) => {
    const partners = found.map(({ pairs }) => pairs.find((pair) => pair.first === file)!.second)
    return scanOf([file, ...partners])
  })
}
