// Writes src/generated/shaders.ts: every shaders/**/*.wgsl as a string, because Node cannot import .wgsl files.
import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const shaders = join(root, 'shaders')
const target = join(root, 'src', 'generated', 'shaders.ts')

const files = readdirSync(shaders, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.wgsl'))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()

const lines = files.map((file) => {
  const name = relative(shaders, file)
    .split(sep)
    .join('/')
    .replace(/\.wgsl$/, '')
  return `  ${JSON.stringify(name)}: ${JSON.stringify(readFileSync(file, 'utf8'))},`
})
const source = [
  '// Written by tools/embed-shaders.mjs from shaders/**/*.wgsl. Do not edit.',
  'export const shaderSources = {',
  ...lines,
  '} as const',
  '',
  '/** The name of a shader: its path under shaders/ without the extension. */',
  'export type ShaderName = keyof typeof shaderSources',
  '',
].join('\n')

mkdirSync(join(root, 'src', 'generated'), { recursive: true })
if (!existsSync(target) || readFileSync(target, 'utf8') !== source) writeFileSync(target, source)
