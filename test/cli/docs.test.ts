/** The commands that the documentation shows. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/cli/bids-app/program.js'
import { program } from '../../src/cli/program.js'
import { commandPages } from '../../tools/docs/command-pages.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (name: string): string => readFileSync(root + name, 'utf8')

it('docs/commands is what npm run docs:commands writes from the help', async () => {
  const pages = await commandPages(program, [app])
  expect(readdirSync(`${root}docs/commands`).sort()).toEqual([...pages.keys()].sort())
  for (const [name, text] of pages) expect(read(`docs/commands/${name}`), name).toBe(text)
})

/** Every command of `sae` in the blocks of a page, its continued lines joined. */
function commandsIn(page: string): string[] {
  const blocks = [...read(page).matchAll(/^```(?:sh|console)?\n([^]*?)^```$/gm)].map(([, block]) => block!)
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => /^\s*sae /.test(line))
    .map((line) => line.trim().replace(/\s+#.*$/, ''))
    .filter((line) => !line.includes(' [options]'))
}

const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare!,
  )

/** @throws Error if the command is unknown, or does not know an option */
function split(line: string): { command: Command; args: string[] } {
  const [, name, ...args] = words(line.replace(/ [|>].*$/, ''))
  const command = program.commands.find((known) => known.name() === name)
  if (!command) throw new Error(`there is no command ${name!}`)
  const known = new Set([
    '--help',
    ...[...command.options, ...program.options].flatMap(({ short, long }) => [short, long]),
  ])
  const unknown = args.filter((arg) => arg.startsWith('-') && !known.has(arg.split('=')[0]))
  if (unknown.length > 0) throw new Error(`unknown options ${unknown.join(' ')}`)
  return { command, args }
}

/** @throws Error if the command does not take these options, or this number of arguments */
function parse(line: string): void {
  const { command, args } = split(line)
  const { operands } = command.parseOptions(args)
  const needed = command.registeredArguments.filter(({ required }) => required).length
  if (operands.length < needed) throw new Error(`${needed} arguments are needed, not ${operands.length}`)
  const isVariadic = command.registeredArguments.some(({ variadic }) => variadic)
  const most = isVariadic ? Infinity : command.registeredArguments.length
  if (operands.length > most) throw new Error(`at most ${most} arguments, not ${operands.length}`)
}

/** Commands within a sentence, which need not be complete. */
const mentionedIn = (page: string): string[] =>
  [...read(page).matchAll(/`(sae [a-z][^`]*)`/g)].map(([, line]) => line!)

/** What `check` has against each line. */
const complaints = (lines: readonly string[], check: (line: string) => unknown): string[] =>
  lines.flatMap((line) => {
    try {
      check(line)
      return []
    } catch (error) {
      return [`${line}: ${error instanceof Error ? error.message : String(error)}`]
    }
  })

const pages = [
  'README.md',
  ...readdirSync(`${root}docs`, { recursive: true }).map((name) => `docs/${String(name)}`),
]

beforeAll(() => {
  // Of a job array, which `--shard slurm` needs.
  vi.stubEnv('SLURM_ARRAY_TASK_ID', '1')
  vi.stubEnv('SLURM_ARRAY_TASK_COUNT', '2')
  vi.stubEnv('SLURM_ARRAY_TASK_MIN', '1')
})
afterAll(() => {
  vi.unstubAllEnvs()
})

describe('every command that a page shows is one that sae takes', () => {
  it.each(pages.filter((page) => page.endsWith('.md')))('%s', (page) => {
    expect(complaints(commandsIn(page), parse)).toEqual([])
    expect(complaints(mentionedIn(page), split)).toEqual([])
  })

  it('finds unknown options, missing arguments and unknown commands', () => {
    expect(() => {
      parse('sae segment scan.nii.gz --colour red')
    }).toThrow('unknown options --colour')
    expect(() => {
      parse('sae convert one.nii')
    }).toThrow('2 arguments are needed, not 1')
    expect(() => {
      parse('sae segmnt scan.nii.gz')
    }).toThrow('no command segmnt')
  })
})

describe('docs/troubleshooting.md', () => {
  const sources = readdirSync(`${root}src`, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(`src/${name}`))
    .join('\n')
  const quoted = [...read('docs/troubleshooting.md').matchAll(/\*\*`([^`]+)`\*\*/g)].map(([, text]) => text!)

  it('quotes messages', () => {
    expect(quoted.length).toBeGreaterThan(20)
  })

  // Words in capitals stand for what a message fills in.
  it.each(quoted)('%s', (text) => {
    for (const part of text.split(/\b(?:CLASSES|FOLDER|N)\b/)) expect(sources).toContain(part.trim())
  })
})
