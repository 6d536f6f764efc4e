/** The recipes of containers, which no engine builds here, and CITATION.cff. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './installed.js'

const read = (name: string): string => readFileSync(join(root, name), 'utf8')
const lines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
const words = (text: string): string[] => text.trim().split(/\s+/)

const docker = lines(read('Dockerfile')).map((line) => {
  const [, instruction, rest] = /^([A-Z]+) (.*)$/.exec(line)!
  return { instruction: instruction!, rest: rest! }
})
const ofDocker = (instruction: string): string[] =>
  docker.filter((line) => line.instruction === instruction).map(({ rest }) => rest)

/** Lines of apptainer.def, by section. */
const apptainer = new Map(
  read('apptainer.def')
    .split(/^%/m)
    .slice(1)
    .map(
      (section) =>
        [
          words(section)[0]!,
          lines(section)
            .slice(1)
            .map((line) => line.trim()),
        ] as const,
    ),
)

const copied = ofDocker('COPY')
  .filter((rest) => !rest.startsWith('--from='))
  .flatMap((rest) => words(rest).slice(0, -1))

it('both copy what is there, the Dockerfile nothing that .dockerignore hides', () => {
  const allowed = lines(read('.dockerignore')).flatMap((line) => (line.startsWith('!') ? line.slice(1) : []))
  expect(copied.length).toBeGreaterThan(5)
  for (const source of copied) expect(existsSync(join(root, source)), source).toBe(true)
  expect([...copied].sort()).toEqual(allowed.sort())
  expect(apptainer.get('files')!.flatMap((line) => words(line).slice(0, -1))).toEqual(copied)
  for (const line of [...ofDocker('COPY'), ...apptainer.get('files')!]) {
    const [source, ...others] = words(line)
    // The content of a folder is copied, so its name must be in the destination.
    if (!line.startsWith('--from=') && statSync(join(root, source!)).isDirectory())
      expect(others.at(-1)!.split('/').at(-1)).toBe(source)
  }
})

it('both install by the commands of the README, and the Dockerfile can run its demo', () => {
  const commands = /^npm ci && npm run demo\b/m.exec(read('README.md'))![0].split(' && ')
  const runs = ofDocker('RUN').flatMap((rest) => rest.split(' && '))
  expect(runs).toEqual(expect.arrayContaining(commands))
  expect(apptainer.get('post')).toContain(commands[0])
  const packages = runs.find((run) => run.startsWith('apt-get install'))
  expect(packages).toContain('mesa-vulkan-drivers')
  expect(apptainer.get('post')).toContain(packages)
})

it('both run the programs of the package', () => {
  const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> }
  const runs = [...ofDocker('RUN').flatMap((rest) => rest.split(' && ')), ...apptainer.get('post')!]
  for (const [name, path] of Object.entries(bin)) {
    const link = `ln -s /opt/sae-webgpu/${path} /usr/local/bin/${name}`
    expect(runs.filter((run) => run === link)).toHaveLength(2)
  }
  const [entry] = JSON.parse(ofDocker('ENTRYPOINT')[0]!) as string[]
  expect(Object.keys(bin)).toContain(entry)
  expect(apptainer.get('runscript')).toEqual([`exec ${entry!} "$@"`])
  expect(read('apptainer.def')).toContain(`From: ${words(ofDocker('FROM')[0]!)[0]!}\n`)
})

it('CITATION.cff is of this version and has no line that is not YAML of its form', () => {
  const { version, license } = JSON.parse(read('package.json')) as { version: string; license: string }
  const text = read('CITATION.cff')
  expect(text).toMatch(/^cff-version: 1\.2\.0$/m)
  expect(text).toMatch(new RegExp(`^version: ${version.replaceAll('.', '\\.')}$`, 'm'))
  expect(text).toMatch(new RegExp(`^license: ${license}$`, 'm'))
  for (const key of ['message', 'title', 'authors', 'references'])
    expect(text).toMatch(new RegExp(`^${key}:`, 'm'))
  const folded = text.replace(/>-\n.*/g, 'text')
  for (const line of folded.trimEnd().split('\n')) expect(line).toMatch(/^ *(- )?([a-z-]+: ?.*|[a-z]+)$/)
})
