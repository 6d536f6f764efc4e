import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readText } from '../../io/files.js'

/** A value of JSON by the names that lead to it; undefined if there is none. */
export function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    value,
  )
}

export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const found = valueAt(value, ...path)
  return typeof found === 'number' ? found : undefined
}

export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = valueAt(value, ...path)
  return typeof found === 'string' ? found : undefined
}

export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found : []
}

/** The runs that wrote into a folder, oldest first, as `run.json` has them; none if there is no such record. */
export async function readRuns(folder: string): Promise<readonly unknown[]> {
  const runs: unknown[] = []
  for (let n = 0; ; n++) {
    const path = join(folder, n === 0 ? 'run.json' : `run-${n}.json`)
    if (!existsSync(path)) return runs
    try {
      runs.push(...listAt(JSON.parse(await readText(path)), 'runs'))
    } catch {
      // A file of another kind.
    }
  }
}

/** The last run that segmented a scan, and what it found. @param scan its whole path */
export function lastSegmentation(
  runs: readonly unknown[],
  scan: string,
): { readonly run: unknown; readonly figures: unknown } | undefined {
  for (const run of runs.toReversed()) {
    const folder = textAt(run, 'folder') ?? ''
    const figures = listAt(run, 'figures', 'segmentations').find((one) => {
      const path = textAt(one, 'scan')
      return path !== undefined && resolve(folder, path) === scan
    })
    if (figures !== undefined) return { run, figures }
  }
  return undefined
}
