import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { Option } from 'commander'
import { UserError } from '../../errors.js'
import { channelFiles } from '../inputs/channel-files.js'
import { descriptionName } from './bids-dataset.js'
import { entityOf, withEntity } from './bids-names.js'
import type { DerivedFrom } from './bids-sidecars.js'
import type { Cohort } from './cohort.js'
import { nameOfVolume } from '../outputs/file-names.js'
import { writeOutput } from '../outputs/output-files.js'

/** How outputs are arranged in their folder. */
export type Layout = 'plain' | 'bids'

/** @param example a file of the derivative */
export const layoutOption = (example = 'sub-01/anat/sub-01_seg-sae_dseg.nii.gz'): Option =>
  new Option(
    '--layout <kind>',
    `plain: all files in the output folder; bids: a derivative dataset, ${example} (default: bids if all scans are of BIDS datasets)`,
  ).choices(['plain', 'bids'])

/** What the outputs of a run are called. */
export interface Naming {
  /** Of each scan: a path in the output folder, up to `_dseg.nii.gz`. */
  readonly names: readonly string[]
  /** If the output folder is a BIDS derivative. */
  readonly derivative?: Derivative
}

/** What a BIDS derivative is made from. */
export interface Derivative {
  /** The name of the derivative. */
  readonly title: string
  /** The BIDS datasets that the scans are of. */
  readonly datasets: readonly string[]
  /** Of each scan. */
  readonly from: readonly DerivedFrom[]
}

/**
 * What segmentations are called if they make a BIDS derivative; undefined if they do not.
 *
 * @throws UserError if that was asked for but is not possible
 */
export function bidsNaming(cohort: Cohort, asked: Asked): Naming | undefined {
  return namingOf(cohort, asked, 'Segmentations by sae', segmentationName)
}

/**
 * The scan's entities with `seg-sae`. Of any contrasts but T1w alone, also with `desc-`, for one session may be segmented
 * by its T1w, by its T2w, and by both.
 */
function segmentationName(files: readonly string[]): string {
  const names = files.map(nameOfVolume)
  const entities = withEntity(names[0]!.replace(/_[^_]*$/, ''), 'seg', 'sae')
  const contrasts = names.map((name) => name.slice(name.lastIndexOf('_') + 1)).join('')
  if (contrasts === 'T1w') return entities
  return withEntity(entities, 'desc', (entityOf(entities, 'desc') ?? '') + contrasts)
}

/** The same for scans that `sae prepare` makes: whole names of scans, to which it adds what it did. */
export function preparedNaming(cohort: Cohort, asked: Asked): Naming | undefined {
  // It says itself what the scans are.
  const nameOf = ([scan]: readonly string[]): string =>
    nameOfVolume(scan!).replace(/_desc-[a-zA-Z0-9]+(?=_)/, '')
  return namingOf(cohort, asked, 'Scans prepared by sae', nameOf)
}

interface Asked {
  readonly layout?: Layout
}

function namingOf(
  { scans, places }: Cohort,
  { layout }: Asked,
  title: string,
  nameOf: (files: readonly string[]) => string,
): Naming | undefined {
  const found = places.flatMap((place) => place ?? [])
  if (layout === 'plain' || (layout === undefined && found.length < scans.length)) return undefined
  const without = scans[places.indexOf(undefined)]
  if (without !== undefined)
    throw new UserError(
      `${without}: is not of a BIDS dataset, which --layout bids needs; give the folder of one`,
    )
  const names = found.map(({ folder }, i) => {
    const files = channelFiles(scans[i]!).map((file) => basename(file))
    return `${folder}/${nameOf(files)}`
  })
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (twice !== -1) {
    const first = scans[names.indexOf(names[twice]!)]!
    throw new UserError(
      `${first} and ${scans[twice]!} would both be written as ${names[twice]!}; give them two folders`,
    )
  }
  const datasets = [...new Set(found.map(({ dataset }) => dataset))]
  const from = found.map(({ dataset, folder }, i) => {
    const root = `bids:${linkName(datasets.indexOf(dataset))}:${folder}`
    const sources = channelFiles(scans[i]!).map((file) => `${root}/${basename(file)}`)
    return { sources, every: 1 }
  })
  return { names, derivative: { title, datasets, from } }
}

/** The same if results hold every n-th voxel: they must not be taken for results of the scan's resolution. */
export function thinnedNaming(naming: Naming, every: number): Naming {
  const { names, derivative } = naming
  if (!derivative || every === 1) return naming
  const thinned = names.map((name) => {
    const [folder, entities] = [dirname(name), basename(name)]
    const resolution = `${entityOf(entities, 'res') ?? ''}every${every}`
    return `${folder}/${withEntity(entities, 'res', resolution)}`
  })
  return {
    names: thinned,
    derivative: { ...derivative, from: derivative.from.map((one) => ({ ...one, every })) },
  }
}

/** The name that a scan's results would have if they held all of its voxels. */
export const unthinned = (name: string): string =>
  name.replace(/_res-([a-zA-Z0-9]*?)every\d+(?=_|$)/, (_, own: string) => (own === '' ? '' : `_res-${own}`))

/** The name of a source dataset in `DatasetLinks`. @param i its position among them */
const linkName = (i: number): string => (i === 0 ? 'raw' : `raw${i + 1}`)

/** Files of ours that BIDS does not know. */
const ignored = [
  ...[
    '.sae-*',
    '**/.sae-*',
    'run*.json',
    '*.csv',
    'volumes.tsv',
    'qc.tsv',
    '*.html',
    '**/*_report.html',
    '**/*_xfm.json',
  ],
  ...['biasfield', 'entropy', 'reconstruction'].map((suffix) => `**/*_${suffix}.nii*`),
]

/** Describes a derivative dataset, unless it is described. @throws UserError if the disk refuses */
export async function describeDerivative(folder: string, { title, datasets }: Derivative): Promise<void> {
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }
  const path = join(folder, descriptionName)
  if (!existsSync(path)) {
    // Paths from the folder, which hold wherever the disk is mounted.
    const sources = datasets.map((dataset) => relative(resolve(folder), resolve(dataset)))
    const dois = datasets.flatMap((dataset) => doiOf(dataset) ?? [])
    const links = sources.map((source, i) => [linkName(i), source] as const)
    const description = {
      Name: title,
      BIDSVersion: '1.9.0',
      DatasetType: 'derivative',
      GeneratedBy: [{ Name: 'sae-webgpu', Version: version }],
      // Not their paths: here, BIDS wants URIs.
      ...(dois.length > 0 ? { SourceDatasets: dois.map((DOI) => ({ DOI })) } : {}),
      DatasetLinks: Object.fromEntries(links),
    }
    await writeOutput(path, `${JSON.stringify(description, undefined, 2)}\n`)
  }
  for (const [name, text] of [
    ['.bidsignore', `${ignored.join('\n')}\n`],
    [
      'README.md',
      `# ${title}

${readme}`,
    ],
  ] as const)
    if (!existsSync(join(folder, name))) await writeOutput(join(folder, name), text)
}

/** The DOI that a dataset says it has. */
function doiOf(dataset: string): string | undefined {
  try {
    const text = readFileSync(join(dataset, descriptionName), 'utf8')
    const { DatasetDOI } = JSON.parse(text) as { readonly DatasetDOI?: unknown }
    return typeof DatasetDOI === 'string' ? DatasetDOI : undefined
  } catch {
    // Nothing of it is needed.
    return undefined
  }
}

const readme = `Made by sae-webgpu from the dataset that \`DatasetLinks\` in dataset_description.json names.

- \`sub-*/[ses-*/]anat/*_desc-preproc_*.nii.gz\`: scans without skull and bias field, in 0 to 1; desc-brain: before that.
- \`sub-*/[ses-*/]anat/*_seg-sae_dseg.nii.gz\`: segmentations. The .tsv beside each says what its values mean.
- \`*_probseg.nii.gz\`: the probability of each class; the .json beside it names them.
- volumes.csv and qc.csv: a row per scan with the volume of each class, and with the quality of the segmentation; .tsv: the
  same with the columns of participants.tsv.
- run.json: the settings of each run, versions, and checksums of its inputs.
`
