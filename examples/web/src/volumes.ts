import { UserError } from 'sae-webgpu'
import {
  decodeHeader,
  decodeLabels,
  decodeVolume,
  headerBytes,
  requireFinite,
  type LabelVolume,
  type Volume,
  type VolumeHeader,
} from 'sae-webgpu/io'

/** Reads an image. @param notes gets the oddities of the file @throws UserError with one line */
export async function readVolume(file: File, notes: string[]): Promise<Volume> {
  return read(file, decodeVolume, notes)
}

/** Reads a label map, in float64, which holds label values of any size that the formats store. @throws UserError with one line */
export async function readLabels(file: File, notes: string[]): Promise<LabelVolume> {
  return requireOneChannel(await read(file, decodeLabels, notes), 'a label map')
}

/** What a file's header says, without unpacking its voxels if its format allows. @throws UserError with one line */
export async function readHeader(file: File): Promise<VolumeHeader> {
  const enough = headerBytes(file.name)
  const bytes = await bytesOf(enough === undefined ? file : file.slice(0, enough), file.name)
  return decodeHeader(bytes, file.name, file.size) ?? decodeVolume(await bytesOf(file, file.name), file.name)
}

/** The text of a file. @throws UserError as `bytesOf` */
export async function textOf(file: File): Promise<string> {
  return new TextDecoder().decode(await bytesOf(file, file.name))
}

/** The bytes of a file. @throws UserError if there are none, or if the browser may not read it */
export async function bytesOf(file: Blob, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await file.arrayBuffer().catch((error: unknown) => unreadable(error, name)))
  if (bytes.length === 0) throw new UserError(`${name}: the file is empty`)
  return bytes
}

/** A file that changes on the disk after it was chosen is out of reach, and so is a folder. */
function unreadable(error: unknown, name: string): never {
  if (!(error instanceof DOMException)) throw error
  throw new UserError(
    `${name}: the browser cannot read it; open it again if it has changed or moved, and if it is a folder, open the files in it`,
  )
}

async function read<V extends Volume | LabelVolume>(
  file: File,
  decode: (bytes: Uint8Array, source: string) => V,
  notes: string[],
): Promise<V> {
  const volume = decode(await bytesOf(file, file.name), file.name)
  notes.push(...(volume.warnings ?? []))
  return volume
}

function requireOneChannel<V extends Volume | LabelVolume>(volume: V, what: string): V {
  if (volume.channels !== 1) {
    throw new UserError(`${volume.source}: has ${volume.channels} channels, but ${what} has one`)
  }
  requireFinite(volume)
  return volume
}
