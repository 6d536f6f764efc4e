import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The golden files of a folder: the one given, `SAE_GOLDEN`, or ../shared/golden beside the project. */
export function goldenFiles(wanted?: string): { folder: string; ops: string[]; steps: string[] } {
  const beside = fileURLToPath(new URL('../../../shared/golden', import.meta.url))
  const folder = wanted ?? process.env.SAE_GOLDEN ?? beside
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.safetensors'))
        .sort()
    : []
  if (files.length === 0)
    console.warn(`SKIPPED: no golden files in ${folder}; set SAE_GOLDEN to their folder`)
  return {
    folder,
    ops: files.filter((name) => name === 'ops.safetensors' || name === 'ops_general.safetensors'),
    steps: files.filter((name) => name.startsWith('step_')),
  }
}
