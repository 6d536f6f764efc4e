import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../generated/version.js'
import type { AdapterSummary } from '../gpu/gpu.js'
import { readTunedTiles, type TunedTile } from '../gpu/tiles.js'
import { writeFileAtomic } from '../io/files.js'
import { cacheFolder } from './cache-folder.js'

/** Tiles that were measured on an adapter, as its cache keeps them. */
export interface TileCache {
  /** Name of the adapter. */
  readonly adapter: string
  /** The driver's description of itself. */
  readonly driver: string
  /** Version of this package, because other kernels have other best tiles. */
  readonly version: string
  /** When they were measured, in ISO 8601. */
  readonly date: string
  /** The fastest tile of each convolution that was tried. */
  readonly tiles: readonly TunedTile[]
}

/** The file that keeps the tiles of an adapter with this driver, for this version of the package. */
function tileCacheFile({ name, driver }: AdapterSummary): string {
  const key = createHash('sha256')
    .update(JSON.stringify([name, driver, version]))
    .digest('hex')
    .slice(0, 16)
  return join(cacheFolder(), `tiles-${key}.json`)
}

/** The tiles that were measured on this adapter; undefined if none were, or if the file is damaged. */
export function readTileCache(adapter: AdapterSummary): TileCache | undefined {
  try {
    const cache = JSON.parse(readFileSync(tileCacheFile(adapter), 'utf8')) as TileCache
    const tiles = readTunedTiles(cache.tiles)
    return tiles && typeof cache.date === 'string' ? { ...cache, tiles } : undefined
  } catch {
    return undefined
  }
}

/**
 * Keeps tiles for later runs on this adapter.
 *
 * @returns the file
 * @throws UserError if it cannot be written
 */
export async function writeTileCache(adapter: AdapterSummary, tiles: readonly TunedTile[]): Promise<string> {
  const file = tileCacheFile(adapter)
  const { name, driver } = adapter
  const cache: TileCache = { adapter: name, driver, version, date: new Date().toISOString(), tiles }
  await writeFileAtomic(file, new TextEncoder().encode(`${JSON.stringify(cache, undefined, 2)}\n`))
  return file
}

/** Forgets the tiles of this adapter. */
export function removeTileCache(adapter: AdapterSummary): void {
  rmSync(tileCacheFile(adapter), { force: true })
}
