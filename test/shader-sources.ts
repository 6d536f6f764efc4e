import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as constants from '../src/generated/shaders.js'
import type { ShaderSource } from '../src/gpu/shader.js'

/** Every kernel that the package embeds, by the name of its constant. */
export const embedded: Readonly<Record<string, ShaderSource>> = constants

const folder = fileURLToPath(new URL('../shaders', import.meta.url))

/** The text of every file under shaders/, comments included, by its path there without the extension. */
export const shaderSources: ReadonlyMap<string, string> = new Map(
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.wgsl'))
    .sort()
    .map((name) => [
      name.replaceAll('\\', '/').replace(/\.wgsl$/, ''),
      readFileSync(join(folder, name), 'utf8'),
    ]),
)
