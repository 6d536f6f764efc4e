import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { isDicom } from '../../io/formats.js'

/** Most files to open; a series may have thousands, and one is enough. */
const mostTried = 50
/** Levels of folders to open: a patient has studies, a study has series. */
const deepest = 3

/** Whether a folder, or one of those in it, holds a DICOM file: by its content, since many have no extension. */
export function holdsDicom(folder: string): boolean {
  let tried = 0
  for (const path of filesIn(folder, deepest)) {
    if (isDicomFile(path)) return true
    if (++tried === mostTried) break
  }
  return false
}

function* filesIn(folder: string, depth: number): Generator<string> {
  const entries = entriesOf(folder)
  for (const entry of entries) if (entry.isFile()) yield join(folder, entry.name)
  if (depth === 0) return
  for (const entry of entries) if (entry.isDirectory()) yield* filesIn(join(folder, entry.name), depth - 1)
}

/** No entries if the folder cannot be read. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

function isDicomFile(path: string): boolean {
  const start = new Uint8Array(132)
  try {
    const file = openSync(path, 'r')
    try {
      readSync(file, start)
    } finally {
      closeSync(file)
    }
  } catch {
    return false
  }
  return isDicom(start)
}
