import { UserError } from 'sae-webgpu'
import type { ChosenFiles } from './protocol.js'

/**
 * The sample: a synthetic scan (`npm run make:sample`), its true labels, and the label map of another person of the same
 * family, as a prior.
 */
export async function sampleFiles(): Promise<ChosenFiles> {
  const [scan, prior, truth] = await Promise.all([
    fetched('scan.nii.gz', 'sample.nii.gz'),
    fetched('other-person.nii.gz'),
    fetched('reference.nii.gz'),
  ])
  return {
    ...{ scans: [scan], grouping: 'people', prior, truths: [truth] },
    ...{ table: undefined, meaning: 'freesurfer', blur: 4 },
  }
}

/** Weights that learnt from other scans of the family. */
export function sampleWeights(): Promise<File> {
  return fetched('weights.safetensors')
}

/** A file that comes with the page. @param as how to call it */
async function fetched(name: string, as = name): Promise<File> {
  // The worker's script lies in a folder beside that of the sample.
  const url = new URL(`../sample/${name}`, self.location.href)
  const response = await fetch(url).catch(() => undefined)
  if (!response?.ok) throw new UserError(`${name}: the server of this page does not have it`)
  return new File([await response.arrayBuffer()], as)
}
