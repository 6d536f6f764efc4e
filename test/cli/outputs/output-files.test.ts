import { spawn } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CsvLog } from '../../../src/cli/tables/csv-log.js'
import { Outputs, writeOutput } from '../../../src/cli/outputs/output-files.js'
import { thisHost } from '../../../src/io/process-life.js'

let folder: string
const at = (name: string): string => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-outputs-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const outputs = (name: string, overwrite: boolean, ...inputs: string[]): Outputs =>
  Outputs.inFolder(folder, { files: [at(name)], inputs, overwrite })

describe('an output', () => {
  it('may be written where nothing is', async () => {
    await outputs('a', false, at('b')).requireFree()
    await Outputs.inFolder(at('new/folder'), { files: [], inputs: [], overwrite: false }).requireFree()
    expect(existsSync(at('new'))).toBe(false)
  })

  it('never replaces an input, whatever that is called', async () => {
    await writeOutput(at('a'), 'text')
    linkSync(at('a'), at('hard'))
    mkdirSync(at('scans'))
    symlinkSync('../a', at('scans/soft'))
    for (const input of ['a', 'hard', 'scans/soft']) {
      await expect(outputs('a', true, at(input)).requireFree()).rejects.toThrow(
        /a: is an input of this command; give another -o/,
      )
    }
  })

  it('replaces what sae wrote if asked to', async () => {
    await writeOutput(at('a'), 'text')
    await expect(outputs('a', false).requireFree()).rejects.toThrow(/a: is there already; give --overwrite/)
    await outputs('a', true).requireFree()
    await writeOutput(at('a'), 'other text')
    await outputs('a', true).requireFree()
  })

  it("never replaces another program's file, one that was changed, or a link", async () => {
    await writeOutput(at('changed'), 'text')
    writeFileSync(at('changed'), 'text by hand')
    writeFileSync(at('foreign'), 'text')
    await writeOutput(at('elsewhere'), 'text')
    symlinkSync('elsewhere', at('link'))
    symlinkSync('nowhere', at('dangling'))
    for (const name of ['changed', 'foreign', 'link', 'dangling']) {
      for (const overwrite of [false, true])
        await expect(outputs(name, overwrite).requireFree()).rejects.toThrow(
          /not as sae wrote it .* never replaced/,
        )
    }
  })

  it('is no folder', async () => {
    mkdirSync(at('folder'))
    for (const overwrite of [false, true])
      await expect(outputs('folder', overwrite).requireFree()).rejects.toThrow(
        /folder: is a folder, but a file is to be written there; give another -o$/,
      )
  })

  it('is known as a log by its first line, for its rows grow', async () => {
    const log = await CsvLog.create(at('log.csv'), ['epoch', 'step'])
    log.append([1, 1])
    await outputs('log.csv', true).requireFree()
    writeFileSync(at('log.csv'), 'name,age\n')
    await expect(outputs('log.csv', true).requireFree()).rejects.toThrow(/not as sae wrote it/)
  })

  it('is known even if the record was torn', async () => {
    writeFileSync(at('.sae-files.jsonl'), '\n{"file":"a","sha2')
    await writeOutput(at('a'), 'text')
    await outputs('a', true).requireFree()
  })
})

describe('a claim', () => {
  const lock = () => at('.sae-lock')
  const holder = (more: object): void => {
    writeFileSync(
      lock(),
      JSON.stringify({ pid: 1, birth: '', host: thisHost, started: '2026-01-01', ...more }),
    )
  }
  const birthOf = (pid: number): string =>
    readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[19]!

  it('is refused while another process lives, and takes over from a dead one', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const pid = child.pid!
    const birth = process.platform === 'linux' ? birthOf(pid) : ''
    const mine = `.${pid}-${birth}-0-${thisHost}.sae-tmp`
    writeFileSync(at(mine), 'half')
    holder({ pid, birth })
    const busy = new RegExp(
      `another sae \\(process ${pid} on ${thisHost}, since 2026-01-01\\) writes there; wait`,
    )
    await expect(outputs('a', false).requireFree()).rejects.toThrow(busy)
    await expect(outputs('a', false).claim()).rejects.toThrow(busy)
    expect(existsSync(at(mine))).toBe(true)

    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    writeFileSync(at(`.1-0-0-elsewhere.sae-tmp`), 'of another machine, and young')
    await outputs('a', false).claim()
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid, host: thisHost })
    expect(existsSync(at(mine))).toBe(false)
    expect(existsSync(at('.1-0-0-elsewhere.sae-tmp'))).toBe(true)
  })

  it.skipIf(process.platform !== 'linux')('takes over if the number is now of another process', async () => {
    holder({ pid: process.ppid, birth: '1' })
    await outputs('a', false).claim()
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid })
  })

  it('cannot tell of another machine', async () => {
    holder({ host: 'elsewhere' })
    await expect(outputs('a', false).claim()).rejects.toThrow(
      /on elsewhere.*; if it was killed, remove .*\.sae-lock/,
    )
    writeFileSync(lock(), 'x')
    await expect(outputs('a', false).claim()).rejects.toThrow(/says nothing of its holder/)
  })

  it('sees what came since it was planned', async () => {
    const planned = outputs('a', false)
    await planned.requireFree()
    writeFileSync(at('a'), 'text')
    await expect(planned.claim()).rejects.toThrow(/a: is there, and not as sae wrote it/)
  })
})
