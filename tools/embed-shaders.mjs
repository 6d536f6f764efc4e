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

/** Strips comments and indentation, which a page need not load. Lines that `specialise` reads (`// #if`) stay. */
const withoutComments = (text) =>
  text
    .split('\n')
    .map((line) => line.replace(/\s*\/\/(?! #).*$/, '').trim())
    .filter((line) => line !== '')
    .join('\n') + '\n'

const texts = files.map((file) => {
  const name = relative(shaders, file)
    .split(sep)
    .join('/')
    .replace(/\.wgsl$/, '')
  return { name, text: withoutComments(readFileSync(file, 'utf8')) }
})
const isFunctions = ({ name }) => name.startsWith('common/')
const identifier = (name) => name.replace(/[/_](\w)/g, (_, letter) => letter.toUpperCase())
const source = [
  '// Written by tools/embed-shaders.mjs from shaders/**/*.wgsl. Do not edit.',
  '// One constant per kernel, so that a bundler drops those that an app does not use.',
  "import type { ShaderSource } from '../gpu/shader.js'",
  '',
  '/** The files that `#include` lines name. */',
  'export const functions: Readonly<Record<string, string>> = {',
  ...texts.filter(isFunctions).map(({ name, text }) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},`),
  '}',
  ...texts
    .filter((text) => !isFunctions(text))
    .map((text) => `export const ${identifier(text.name)}: ShaderSource = ${JSON.stringify(text)}`),
  '',
].join('\n')

mkdirSync(join(root, 'src', 'generated'), { recursive: true })
if (!existsSync(target) || readFileSync(target, 'utf8') !== source) writeFileSync(target, source)
