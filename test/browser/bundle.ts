import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The text of an entry beside this file with all that it imports, for a browser: esbuild fails on a Node module. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}
