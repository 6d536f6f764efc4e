/**
 * What BIDS demands of a derivative of anatomical scans, by hand from its schema 1.10 (rules/files/deriv/imaging,
 * rules/entities, rules/sidecars/derivatives). The official validator has 900 packages.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readVolumeHeader } from '../../../src/io/files.js'

/** Entities that names in anat may have, in their order. */
const order = [
  ...['sub', 'ses', 'sample', 'task', 'acq', 'ce', 'rec', 'run', 'mod', 'echo', 'inv', 'mt', 'part', 'proc'],
  ...['space', 'chunk', 'atlas', 'seg', 'scale', 'res', 'label', 'desc'],
]
const extensions: Readonly<Record<string, readonly string[]>> = {
  dseg: ['.nii.gz', '.json', '.tsv'],
  probseg: ['.nii.gz', '.json'],
  mask: ['.nii.gz', '.json'],
  T1w: ['.nii.gz', '.json'],
}
const atRoot = ['dataset_description.json', '.bidsignore', 'README', 'README.md', 'CHANGES', 'LICENSE']

type Json = Readonly<Record<string, unknown>>

/** Everything in the folder of a derivative that breaks a rule. */
export async function breaches(root: string): Promise<string[]> {
  const found: string[] = []
  const ignored = readFileSync(join(root, '.bidsignore'), 'utf8').split('\n').filter(Boolean).map(toRule)
  const files = readdirSync(root, { recursive: true })
    .map(String)
    .filter((file) => statSync(join(root, file)).isFile() && !ignored.some((rule) => rule.test(file)))
  const description = jsonOf(join(root, 'dataset_description.json'))
  for (const key of ['Name', 'BIDSVersion', 'GeneratedBy'])
    if (description[key] === undefined) found.push(`dataset_description.json lacks ${key}`)
  // As a URI must be; the official validator refuses a path here.
  for (const { URL: url } of (description.SourceDatasets ?? []) as { URL?: string }[])
    if (url !== undefined && !URL.canParse(url)) found.push(`SourceDatasets: ${url} is no URI`)
  if (description.DatasetType !== 'derivative') found.push('DatasetType is not derivative')
  const links = (description.DatasetLinks ?? {}) as Readonly<Record<string, string>>
  for (const file of files) {
    if (atRoot.includes(file)) continue
    const wrong = nameBreach(file)
    if (wrong !== undefined) found.push(`${file}: ${wrong}`)
    else if (file.endsWith('.nii.gz'))
      found.push(...(await sidecarBreaches(root, file, links)).map((text) => `${file}: ${text}`))
  }
  return found
}

export function nameBreach(file: string): string | undefined {
  const [, folder, subject, session, name] =
    /^(sub-([a-zA-Z0-9]+)\/(?:ses-([a-zA-Z0-9]+)\/)?anat)\/([^/]+)$/.exec(file) ?? []
  if (folder === undefined) return 'is in a place that BIDS does not know'
  const [, entities, suffix, extension] = /^(.*)_([a-zA-Z0-9]+)(\.[a-z.]+)$/.exec(name!) ?? []
  if (!extensions[suffix ?? '']?.includes(extension!)) return `has no suffix or extension of a derivative`
  const pairs = entities!.split('_').map((entity) => entity.split('-'))
  if (pairs.some((pair) => pair.length !== 2 || !/^[a-zA-Z0-9]+$/.test(pair[1]!)))
    return 'is not key-value_...'
  const places = pairs.map(([key]) => order.indexOf(key!))
  if (places.includes(-1)) return `has an unknown entity`
  if (places.some((place, i) => i > 0 && place <= places[i - 1]!)) return 'has its entities in another order'
  const values = new Map(pairs as [string, string][])
  if (values.get('sub') !== subject || values.get('ses') !== session) return 'does not fit its folder'
  if (suffix !== 'probseg' && values.has('label')) return 'has a label entity'
  return undefined
}

async function sidecarBreaches(
  root: string,
  file: string,
  links: Readonly<Record<string, string>>,
): Promise<string[]> {
  const beside = (extension: string): string => join(root, file.replace('.nii.gz', extension))
  if (!existsSync(beside('.json'))) return ['has no sidecar']
  const found: string[] = []
  const sidecar = jsonOf(beside('.json'))
  if (file.includes('_res-') && typeof sidecar.Resolution !== 'string') found.push('lacks Resolution')
  if (/_space-(?!orig_)/.test(file) && sidecar.SpatialReference === 'orig') found.push('is of two spaces')
  for (const source of sidecar.Sources as string[]) {
    const [, name, path] = /^bids:([a-zA-Z0-9]+):(.+)$/.exec(source) ?? []
    const dataset = links[name ?? '']
    if (dataset === undefined || !existsSync(join(root, dataset, path!))) found.push(`no source ${source}`)
  }
  if (file.endsWith('_probseg.nii.gz')) {
    const { channels } = await readVolumeHeader(join(root, file))
    if (channels > 1 && (sidecar.LabelMap as string[]).length !== channels)
      found.push('LabelMap does not fit')
  } else if (file.endsWith('_dseg.nii.gz')) {
    if (!readFileSync(beside('.tsv'), 'utf8').startsWith('index\tname\t')) found.push('has no look-up table')
  } else if (file.endsWith('_mask.nii.gz')) {
    if (typeof sidecar.Type !== 'string') found.push('lacks Type')
  } else if (typeof sidecar.SkullStripped !== 'boolean') found.push('lacks SkullStripped')
  return found
}

/** A line of .bidsignore, which has the rules of .gitignore. */
function toRule(line: string): RegExp {
  const pattern = line
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .split('**/')
    .map((part) => part.replaceAll('*', '[^/]*'))
    .join('(?:.*/)?')
  return new RegExp(line.includes('/') ? `^${pattern}$` : `(?:^|/)${pattern}$`)
}

const jsonOf = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json
