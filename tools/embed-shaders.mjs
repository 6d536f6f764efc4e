// Writes src/generated/shaders.ts: every shaders/**/*.wgsl as a constant, because Node cannot import .wgsl files.
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

/** Strips comments, which a page need not load. Lines that `specialise` reads (`// #if`) stay. */
const withoutComments = (text) =>
  text
    .split('\n')
    .map((line) => line.replace(/\s*\/\/(?! #).*$/, ''))
    .filter((line) => line.trim() !== '')
    .join('\n') + '\n'

const texts = files.map((file) => {
  const name = relative(shaders, file)
    .split(sep)
    .join('/')
    .replace(/\.wgsl$/, '')
  return { name, text: withoutComments(readFileSync(file, 'utf8')) }
})
/** The files that kernels of programs may include too: see docs/embedding.md. */
const offered = ['common/linear', 'common/math', 'common/noise', 'common/workgroup_sum']
const isFunctions = ({ name }) => name.startsWith('common/')
const identifier = (name) => name.replace(/[/_](\w)/g, (_, letter) => letter.toUpperCase())
const table = (names) => names.map((name) => `${JSON.stringify(name)}: ${identifier(name)}`).join(', ')

/** A kernel with the files that it includes, except those that all kernels may. */
const kernel = ({ name, text }) => {
  const included = [...text.matchAll(/^[ \t]*\/\/ #include (\S+)$/gm)].map(([, file]) => file)
  const own = included.filter((file) => !offered.includes(file))
  const includes = own.length > 0 ? `, includes: { ${table(own)} }` : ''
  return `export const ${identifier(name)}: ShaderSource = { name: ${JSON.stringify(name)}, text: ${JSON.stringify(text)}${includes} }`
}

const source = [
  '// Written by tools/embed-shaders.mjs from shaders/**/*.wgsl. Do not edit.',
  '// One constant per file, so that a bundler drops those that an app does not use.',
  "import type { ShaderSource } from '../gpu/shader.js'",
  '',
  ...texts.filter(isFunctions).map(({ name, text }) => `const ${identifier(name)} = ${JSON.stringify(text)}`),
  '',
  '/** The files that any kernel may include. */',
  `export const functions: Readonly<Record<string, string>> = { ${table(offered)} }`,
  ...texts.filter((text) => !isFunctions(text)).map(kernel),
  '',
].join('\n')

mkdirSync(join(root, 'src', 'generated'), { recursive: true })
if (!existsSync(target) || readFileSync(target, 'utf8') !== source) writeFileSync(target, source)
