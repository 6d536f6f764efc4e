import { makeNifti, type NiftiFields } from './make-nifti.js'

/** A `.hdr` and its `.img`. */
export interface PairFiles {
  readonly header: Uint8Array
  readonly image: Uint8Array
}

/** A NIfTI pair. */
export function makeNiftiPair(fields: NiftiFields): PairFiles {
  const bytes = makeNifti({ voxOffset: 0, ...fields, pair: true })
  const [header, image] = fields.version === 2 ? [540, 544] : [348, 352]
  return { header: bytes.slice(0, header), image: bytes.slice(image) }
}

/** An Analyze pair: the fields that the two formats share, `slope` in `funused1`, and nothing else. */
export function makeAnalyze(fields: NiftiFields & { readonly orient?: number }): PairFiles {
  const { header, image } = makeNiftiPair({ slope: 0, ...fields, version: 1 })
  header.fill(0, 116, 348)
  header[252] = fields.orient ?? 0
  header[38] = 'r'.charCodeAt(0)
  return { header, image }
}
