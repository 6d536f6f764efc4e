import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative, resolve } from 'node:path'
import { Option } from 'commander'
import { UserError } from '../../errors.js'
import { firstFile } from '../channel-files.js'
import { descriptionName } from './bids-dataset.js'
import type { Cohort } from './cohort.js'
import { nameOfVolume } from '../outputs/file-names.js'
import { writeOutput } from '../outputs/output-files.js'

/** How outputs are arranged in their folder. */
export type Layout = 'plain' | 'bids'

export const layoutOption = (): Option =>
  new Option(
    '--layout <kind>',
    'plain: all files in the output folder; bids: a derivative dataset, sub-01/anat/sub-01_seg-sae_dseg.nii.gz (default: bids if all scans are of BIDS datasets)',
  ).choices(['plain', 'bids'])

/** What the outputs of a run are called. */
export interface Naming {
  /** Of each scan: a path in the output folder, up to `_dseg.nii.gz`. */
  readonly names: readonly string[]
  /** The BIDS datasets that the scans are of, if the output folder is a derivative of them. */
  readonly datasets?: readonly string[]
}

/**
 * What the outputs are called if they make a BIDS derivative; undefined if they do not.
 *
 * @throws UserError if that was asked for but is not possible
 */
export function bidsNaming(
  { scans, places }: Cohort,
  { layout, report }: { readonly layout?: Layout; readonly report?: boolean },
): Naming | undefined {
  const found = places.flatMap((place) => place ?? [])
  if (layout === 'plain' || (layout === undefined && found.length < scans.length)) return undefined
  const without = scans[places.indexOf(undefined)]
  if (without !== undefined)
    throw new UserError(
      `${without}: is not of a BIDS dataset, which --layout bids needs; give the folder of one`,
    )
  if (report) throw new UserError('--report makes pages for --layout plain only; give that, or drop --report')
  const names = found.map(({ folder }, i) => {
    const entities = nameOfVolume(basename(firstFile(scans[i]!))).replace(/_[^_]*$/, '')
    return `${folder}/${entities}_seg-sae`
  })
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (twice !== -1) {
    const first = scans[names.indexOf(names[twice]!)]!
    throw new UserError(
      `${first} and ${scans[twice]!} would both be written as ${names[twice]!}; segment them into two folders`,
    )
  }
  return { names, datasets: [...new Set(found.map(({ dataset }) => dataset))] }
}

/** Files of ours that BIDS does not know. */
const ignored = ['.sae-*', '**/.sae-*', 'run*.json', '*.csv']

/** Describes a derivative dataset, unless it is described. @throws UserError if the disk refuses */
export async function describeDerivative(folder: string, datasets: readonly string[]): Promise<void> {
  const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }
  const path = join(folder, descriptionName)
  if (!existsSync(path)) {
    // Paths from the folder, which hold wherever the disk is mounted.
    const sources = datasets.map((dataset) => relative(resolve(folder), resolve(dataset)))
    const links = sources.map((source, i) => [i === 0 ? 'raw' : `raw${i + 1}`, source] as const)
    const description = {
      Name: 'Segmentations by sae',
      BIDSVersion: '1.9.0',
      DatasetType: 'derivative',
      GeneratedBy: [{ Name: 'sae-webgpu', Version: version }],
      SourceDatasets: sources.map((URL) => ({ URL })),
      DatasetLinks: Object.fromEntries(links),
    }
    await writeOutput(path, `${JSON.stringify(description, undefined, 2)}\n`)
  }
  const ignore = join(folder, '.bidsignore')
  if (!existsSync(ignore)) await writeOutput(ignore, `${ignored.join('\n')}\n`)
}
