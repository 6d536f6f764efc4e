/** The two files of an image that is kept apart from its header. */
export interface Pair {
  /** Path of the `.hdr`. */
  readonly header: string
  /** Path of the `.img`. */
  readonly image: string
}

const ending = /\.(hdr|img)(\.gz)?$/i

/** Both files of a `.hdr`/`.img` pair, by the name of either; undefined for other files. */
export function pairOf(path: string): Pair | undefined {
  const [whole, own, gz = ''] = ending.exec(path) ?? []
  if (whole === undefined || own === undefined) return undefined
  const stem = path.slice(0, -whole.length)
  const named = (extension: 'hdr' | 'img'): string => {
    // The other's name is written as this one's: SCAN.HDR and SCAN.IMG.
    if (own.toLowerCase() === extension) return path
    return `${stem}.${own === own.toUpperCase() ? extension.toUpperCase() : extension}${gz}`
  }
  return { header: named('hdr'), image: named('img') }
}
