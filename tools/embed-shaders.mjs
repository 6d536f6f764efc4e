// Writes src/generated/shaders.ts: every shaders/**/*.wgsl as a constant, because Node cannot import .wgsl files; and
// src/generated/functions.ts: the files that kernels of programs may include; and src/generated/version.ts: that of this
// package, whose package.json a bundle does not carry.
import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const shaders = join(root, 'shaders')
const generated = join(root, 'src', 'generated')

const files = readdirSync(shaders, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.wgsl'))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()

/** Lines that `specialise` reads: instructions such as `// #if`, and declarations. */
const isRead = /\/\/ #|^(const|alias) /

/** Strips the spaces about an operator, a bracket or a colon, but for those that keep two operators apart. */
const withoutSpaces = (line) =>
  line
    .replace(/(?<![<>=!]) ([-+*/%&|^]?=|[*+/%&|^]|&&|\|\||[=!<>]=|<<?|>>?|->) /g, '$1')
    .replace(/ - (?!-)/g, '-')
    .replace(/> (?=\w)/g, '>')
    .replace(/ ?([,;:{}()]) ?/g, '$1')

/** Strips what a page need not load: comments, indentation and spaces. */
const shortened = (text) =>
  text
    .split('\n')
    .map((line) => line.replace(/\s*\/\/(?! #).*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => (isRead.test(line) ? line : withoutSpaces(line)))
    .join('\n') + '\n'

const texts = files.map((file) => {
  const name = relative(shaders, file)
    .split(sep)
    .join('/')
    .replace(/\.wgsl$/, '')
  return { name, text: shortened(readFileSync(file, 'utf8')) }
})
/** The files that kernels of programs may include too: see docs/embedding.md. */
const offered = ['common/linear', 'common/math', 'common/noise', 'common/workgroup_sum']
const isFunctions = ({ name }) => name.startsWith('common/')
const identifier = (name) => name.replace(/[/_](\w)/g, (_, letter) => letter.toUpperCase())

const include = /^\/\/ #include (\S+)\n/m

/** The parts of a text: the files that it includes, each a constant, and what lies between them. */
const partsOf = (text) =>
  text
    .split(include)
    .map((part, i) => (i % 2 ? identifier(part) : JSON.stringify(part)))
    .filter((part) => part !== '""')

const kernel = ({ name, text }) =>
  `export const ${identifier(name)} = /* @__PURE__ */ kernel(${[JSON.stringify(name), ...partsOf(text)].join(', ')})`

const functionsOf = texts.filter(isFunctions)

/** The text with that of every file that it includes. */
const whole = (text) =>
  text.replace(new RegExp(include, 'gm'), (_, included) =>
    whole(functionsOf.find(({ name }) => name === included).text),
  )

const origin = '// Written by tools/embed-shaders.mjs from shaders/**/*.wgsl. Do not edit.'
const shaderModule = [
  origin,
  '// One constant per file, so that a bundler drops those that an app does not use.',
  "import type { ShaderSource } from '../gpu/shader.js'",
  '',
  // A file that includes others comes after them.
  ...functionsOf
    .toSorted((a, b) => include.test(a.text) - include.test(b.text))
    .map(({ name, text }) => `const ${identifier(name)} = ${partsOf(text).join(' + ')}`),
  '',
  'const kernel = (name: string, ...parts: readonly string[]): ShaderSource => ({ name, text: parts.join("") })',
  '',
  ...texts.filter((text) => !isFunctions(text)).map(kernel),
  '',
].join('\n')

// Texts of its own, not those of shaders.ts: a bundler would put what the two modules share into the first one.
const functionsModule = [
  origin,
  '/** The files that kernels of programs may include, by name. */',
  'export const functions: Readonly<Record<string, string>> = {',
  ...functionsOf
    .filter(({ name }) => offered.includes(name))
    .map(({ name, text }) => `  ${JSON.stringify(name)}: ${JSON.stringify(whole(text))},`),
  '}',
  '',
].join('\n')

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const versionModule = [
  '// Written by tools/embed-shaders.mjs from package.json. Do not edit.',
  '/** Version of this package. */',
  `export const version = ${JSON.stringify(version)}`,
  '',
].join('\n')

mkdirSync(generated, { recursive: true })
for (const [file, source] of [
  ['shaders.ts', shaderModule],
  ['functions.ts', functionsModule],
  ['version.ts', versionModule],
]) {
  const target = join(generated, file)
  if (!existsSync(target) || readFileSync(target, 'utf8') !== source) writeFileSync(target, source)
}
