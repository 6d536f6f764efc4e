import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { glob } from 'tinyglobby'
import { UserError } from '../../errors.js'
import { isBidsDataset, requireAll } from '../cohort/bids-dataset.js'
import {
  identityOf,
  isDirectory,
  isPattern,
  matchesOf,
  onceEach,
  volumesIn,
} from '../cohort/folder-volumes.js'
import { describeUnpaired, labelMaps, pairByName, type Unpaired } from '../cohort/name-pairs.js'
import { naturally } from '../cohort/natural-order.js'
import { isScanList, participantOf, readScanList } from '../cohort/scan-list.js'
import { distinctNames, isVolumeName, nameOfVolume } from '../outputs/file-names.js'
import type { Terminal } from '../terminal.js'
import { chosenMaps, chosenOfDataset, requireChoosable, type MapChoice } from './chosen-maps.js'
import type { Pair } from './evaluation.js'

interface PairOptions extends MapChoice {
  /** Reference label maps that the command line names by --labels. */
  readonly labels?: readonly string[]
  /** Go on without files that have no partner. */
  readonly allowUnpaired?: boolean
  /** Is no label map, even if it lies among some. */
  readonly prior?: string
}

/**
 * Each segmentation with its reference. Files are paired in the order given, or, as soon as an argument is a folder or a
 * glob, by their names; a list pairs them itself. A pair that is given twice is taken once, with a note.
 *
 * @param given the arguments of the command: segmentations, then without `labels` their references
 * @throws UserError if one is missing, an argument stands for nothing, or two scans have one name
 */
export async function findPairs(
  given: readonly string[],
  options: PairOptions,
  terminal: Terminal,
): Promise<Pair[]> {
  const { labels } = options
  const lists = given.filter((argument) => isScanList(argument))
  if (lists.length > 0) return pairsOfLists(given, options, terminal)
  const [maps, truths] = labels ? [given, labels] : [given.slice(0, 1), given.slice(1)]
  if (truths.length === 0) throw new UserError("missing required argument 'truth'; see sae evaluate --help")
  const derivative = [...maps, ...truths].some((one) => isDirectory(one) && isBidsDataset(one))
  requireChoosable(options, { derivative, participants: false })
  if (![...maps, ...truths].some((argument) => isDirectory(argument) || isPattern(argument)))
    return pairsInOrder(given, maps, truths, labels !== undefined, terminal)
  const find = async (several: readonly string[]): Promise<string[]> => {
    const found: string[] = []
    for (const argument of several) found.push(...(await mapsOf(argument, options)))
    return found
  }
  const once = (files: readonly string[], identity: (file: string) => string): string[] =>
    onceEach(files, identity, (file) => file, terminal)
  // Links may give one reference the names of several segmentations.
  const withName = (file: string): string => `${identityOf(file)} ${basename(file)}`
  return pairsByName(
    once(await find(maps), identityOf),
    once(await find(truths), withName),
    options,
    terminal,
  )
}

/** @throws UserError if there are not as many references as segmentations */
function pairsInOrder(
  given: readonly string[],
  maps: readonly string[],
  truths: readonly string[],
  labelled: boolean,
  terminal: Terminal,
): Pair[] {
  if (truths.length !== maps.length) {
    throw new UserError(
      labelled
        ? `${truths.length} reference label maps for ${maps.length} segmentations; give --labels one per segmentation, in the same order, or folders, whose files are paired by name`
        : `${given.length} label maps without --labels; give one segmentation and its reference, the references of several after --labels, or two folders`,
    )
  }
  return pairsOf(
    maps.map((segmentation, i) => ({ segmentation, truth: truths[i]! })),
    terminal,
  )
}

function pairsOf(given: readonly Omit<Pair, 'scan'>[], terminal: Terminal): Pair[] {
  const identity = ({ segmentation, truth }: Omit<Pair, 'scan'>): string =>
    `${identityOf(segmentation)} ${identityOf(truth)}`
  const pairs = onceEach(given, identity, ({ segmentation }) => segmentation, terminal)
  const names = distinctNames(pairs.map(({ segmentation }) => segmentation))
  return pairs.map((pair, i) => ({ scan: names[i]!.replace(/_dseg$/, ''), ...pair }))
}

/** The pairs that lists name in their columns scan and labels. @throws UserError if one lacks its reference */
async function pairsOfLists(
  given: readonly string[],
  { labels, ...choice }: PairOptions,
  terminal: Terminal,
): Promise<Pair[]> {
  const other = labels?.[0] ?? given.find((argument) => !isScanList(argument))
  if (other !== undefined)
    throw new UserError(
      `${other}: a list names segmentations and references itself, in its columns scan and labels; give lists only`,
    )
  const listed = []
  const wanted = choice.participantLabel?.map((label) => participantOf(label)!)
  for (const list of given) {
    const scans = await readScanList(list)
    const participants = new Set(scans.flatMap(({ participant }) => participant ?? []))
    requireChoosable(choice, { derivative: false, participants: participants.size > 0 })
    requireAll(wanted, [...participants], list)
    for (const { path, labels, participant } of scans) {
      if (wanted && !(participant !== undefined && wanted.includes(participant))) continue
      if (labels === undefined)
        throw new UserError(`${list}: names no labels for ${path}, with which to compare it`)
      listed.push({ segmentation: path, truth: labels })
    }
  }
  return pairsOf(listed, terminal)
}

/** @throws UserError if a file has no partner, unless that is allowed, or none has */
function pairsByName(
  maps: readonly string[],
  truths: readonly string[],
  { allowUnpaired }: PairOptions,
  terminal: Terminal,
): Pair[] {
  const { pairs, unpaired } = pairByName(maps, truths, labelMaps)
  const alone = unpaired.first.length + unpaired.second.length
  if (alone > 0) {
    const text = `${alone} of ${maps.length + truths.length} label maps have no partner by their names: ${[
      part('segmentations', unpaired.first),
      part('references', unpaired.second),
    ]
      .filter((one) => one !== '')
      .join('; ')}`
    if (!allowUnpaired || pairs.length === 0)
      throw new UserError(
        `${text}; rename them, name pairs in a list (.tsv with columns scan and labels)${pairs.length === 0 ? '' : ', or go on without them by --allow-unpaired'}`,
      )
    terminal.warn(`${text}; left out`)
  }
  return pairs.map(({ first, second, name }) => ({ scan: name, segmentation: first, truth: second }))
}

const part = (what: string, unpaired: readonly Unpaired[]): string =>
  unpaired.length === 0 ? '' : `${what} ${describeUnpaired(unpaired)}`

/** The label maps that an argument stands for. @throws UserError if there is none */
async function mapsOf(argument: string, { prior, ...choice }: PairOptions): Promise<string[]> {
  if (isPattern(argument)) return chosenMaps(await matchesOf(argument), choice)
  if (!existsSync(argument)) throw new UserError(`${argument}: no such file or folder`)
  if (!isDirectory(argument)) return [argument]
  const isDataset = isBidsDataset(argument)
  const found = isDataset ? await mapsInDataset(argument) : mapsInFolder(argument)
  const maps = found.filter((path) => prior === undefined || identityOf(path) !== identityOf(prior))
  if (maps.length > 0) return isDataset ? chosenOfDataset(argument, maps, choice) : chosenMaps(maps, choice)
  throw new UserError(
    `${argument}: holds no label map${isDataset ? ' sub-*/anat/*_dseg' : ''}; give a folder of them, or a glob in quotes`,
  )
}

/** Ends of the names of volumes that are no label maps. */
const notMaps = /(^prior|_(T1w|T2w|FLAIR|probseg|biasfield|entropy|reconstruction|prior))$/i

/** Those that are called `_dseg`, if any are. */
function mapsInFolder(folder: string): string[] {
  const volumes = volumesIn(folder).filter((name) => !notMaps.test(nameOfVolume(name)))
  const named = volumes.filter((name) => isSegmentation(name))
  return (named.length > 0 ? named : volumes).map((name) => join(folder, name))
}

async function mapsInDataset(root: string): Promise<string[]> {
  const places = ['sub-*/anat/*', 'sub-*/ses-*/anat/*']
  const files = await glob(places, { cwd: root, expandDirectories: false })
  return files
    .filter(isSegmentation)
    .sort(naturally)
    .map((file) => join(root, file))
}

const isSegmentation = (file: string): boolean => isVolumeName(file) && nameOfVolume(file).endsWith('_dseg')
