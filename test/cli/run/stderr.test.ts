import { execFile, execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../support.js'

/** As a module of its own, for a process of its own. */
const rewind = new URL('../../../dist/node/rewind.js', import.meta.url).href
const lend = new URL('../../../dist/node/lend-stderr.js', import.meta.url).href

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-stderr-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Runs `sae info`, which opens every adapter, with its stderr where the shell puts it. */
function info(redirection: string): string {
  const command = `"${process.execPath}" "${program}" info --json ${redirection}`
  return execFileSync('/bin/sh', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

describe.skipIf(process.platform !== 'linux')('stderr holds nothing that is not ours', () => {
  it('in a pipe', () => {
    expect(info('2>&1 >/dev/null | cat')).toBe('')
  })

  it('in a file that is appended to, whose other writers are not disturbed', () => {
    const log = join(folder, 'log.txt')
    writeFileSync(log, 'before\n')
    info('>/dev/null 2>>log.txt; (echo after >>log.txt)')
    expect(readFileSync(log, 'utf8')).toBe('before\nafter\n')
  })

  it('in a file that is written from its start, between the lines of others', () => {
    const fd = openSync(join(folder, 'shared.txt'), 'w')
    try {
      const args = [
        '-c',
        `echo before >&2; "${process.execPath}" "${program}" info --json >/dev/null; echo after >&2`,
      ]
      execFileSync('/bin/sh', args, { stdio: ['ignore', 'ignore', fd] })
    } finally {
      closeSync(fd)
    }
    expect(readFileSync(join(folder, 'shared.txt'), 'utf8')).toBe('before\nafter\n')
  })

  it('in a file, where what others write meanwhile stays', () => {
    const script = `
import { takingBack } from ${JSON.stringify(rewind)}
import { writeSync } from 'node:fs'
await takingBack(/^Warning: /, async () => writeSync(2, 'Warning: a\\nnot this one\\n'))
await takingBack(/^Warning: /, async () => writeSync(2, 'Warning: b\\n'))
writeSync(2, 'end\\n')`
    const log = join(folder, 'mixed.txt')
    const fd = openSync(log, 'w')
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'ignore', fd],
      })
    } finally {
      closeSync(fd)
    }
    expect(readFileSync(log, 'utf8')).toBe('Warning: a\nnot this one\nend\n')
  })

  it('on a socket, which Node makes of a pipe', async () => {
    expect(await stderrOf(program, 'info', '--json')).toBe('')
  })

  it('on a socket, where our own lines still appear', async () => {
    expect(await stderrOf(program, 'info', '--adapter', 'none of these')).toMatch(
      /^sae: no adapter is called .*\n$/,
    )
  })

  it('on a socket, which keeps its number', async () => {
    const script = `
import { lendStderr } from ${JSON.stringify(lend)}
import { closeSync, openSync, writeSync } from 'node:fs'
const giveBack = await lendStderr()
closeSync(2)
openSync('/dev/null', 'a')
writeSync(2, 'hidden\\n')
await giveBack()
writeSync(2, 'shown\\n')
console.error('by the stream')`
    const written = await stderrOf('--input-type=module', '-e', script)
    expect(written).toBe('shown\nby the stream\n')
  })
})

/** Stderr of Node with these arguments; `execFile` gives it a socket. */
function stderrOf(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_, __, stderr) => {
      resolve(stderr)
    })
  })
}
