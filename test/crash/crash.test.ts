import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readWeights } from '../../src/cli/inputs/weights-file.js'
import { killRuns, requireEqual, requireNothingLeft } from './kill-runs.js'
import { TinyRun, type Started } from './tiny-run.js'

let folder: string
let run: TinyRun
/** What an uninterrupted run takes. */
let seconds: number

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sae-crash-'))
  run = await TinyRun.make(folder)
  const begin = performance.now()
  expect(await run.start('whole', 'beginning').ending).toMatchObject({ code: 0, errors: [] })
  seconds = (performance.now() - begin) / 1000
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Waits until a run has saved a checkpoint. */
async function hasSaved(output: string, { child }: Started): Promise<void> {
  while (!existsSync(run.path(`${output}/last.safetensors`)) && child.exitCode === null) await sleep(2)
}

/** One line that says what is wrong, and not exit code 0. */
async function failure({ ending }: Started): Promise<string> {
  const { code, errors } = await ending
  expect(errors).toHaveLength(1)
  expect(code).toBe(2)
  return errors[0]!
}

describe('a run of training that is killed', () => {
  it('goes on to the same weights and log, wherever that was', async () => {
    const report = await killRuns(run, 'whole', seconds, 6, 7)
    expect(report.kills).toBe(6)
  })

  it('says so if its checkpoint is damaged, at any byte', async () => {
    const path = run.path('damaged.safetensors')
    const whole = run.read('whole', 'last.safetensors')
    for (let at = 0; at < whole.length; at += 97) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 4
      writeFileSync(path, bytes)
      await expect(readWeights(path), `byte ${at}`).rejects.toThrow(/damaged\.safetensors: /)
    }
    const tensors = Buffer.from(whole)
    tensors[whole.length - 1]! ^= 1
    writeFileSync(path, tensors)
    await expect(readWeights(path)).rejects.toThrow(/its checksum does not match: the file is damaged/)
  })
})

describe('a run that replaces another', () => {
  it('leaves no checkpoint of that one, should it be killed before it saves its own', async () => {
    expect((await run.start('anew', 'beginning', '--epochs', '2').ending).code).toBe(0)
    const long = ['--epochs', '100000', '--save-every', '100000', '--beta', '7']
    const started = run.start('anew', 'beginning', '--overwrite', ...long)
    const begins = (): boolean => {
      try {
        return run.log('anew').length > 10
      } catch {
        // The log of the old run is removed before that of the new one is there.
        return false
      }
    }
    while (!begins() && started.child.exitCode === null) await sleep(2)
    started.child.kill('SIGKILL')
    expect(await started.ending).toMatchObject({ signal: 'SIGKILL' })
    const { metadata } = existsSync(run.path('anew/best.safetensors'))
      ? await readWeights(run.path('anew/best.safetensors'))
      : { metadata: { training: '"beta":7,' } }
    expect(metadata.training).toContain('"beta":7,')
    expect(existsSync(run.path('anew/last.safetensors'))).toBe(false)
  })
})

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a run after it has saved, with code %i', async (signal, code) => {
    const started = run.start(signal, 'beginning')
    await hasSaved(signal, started)
    started.child.kill(signal)
    expect(await started.ending).toMatchObject({ code, errors: [] })
    requireNothingLeft(run.path(signal))
    expect(await run.start(signal, 'last').ending).toMatchObject({ code: 0, errors: [] })
    requireEqual(run, signal, 'whole')
  })

  it('ends a process at once if it is the second', async () => {
    const module = fileURLToPath(new URL('../../dist/cli/run/interrupt.js', import.meta.url))
    const script = `const { Interrupt } = await import(${JSON.stringify(module)})
      const interrupt = new Interrupt()
      interrupt.signal.addEventListener('abort', () => console.log('asked to end'))
      setInterval(() => {}, 1000)
      console.log('ready')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    const said = (word: string) =>
      new Promise<void>((resolve) => {
        child.stdout.on('data', (text: Buffer) => {
          if (text.includes(word)) resolve()
        })
      })
    const ended = new Promise((resolve) =>
      child.once('exit', (_, signal) => {
        resolve(signal)
      }),
    )
    await said('ready')
    child.kill('SIGINT')
    await said('asked to end')
    expect(child.exitCode).toBeNull()
    child.kill('SIGINT')
    expect(await ended).toBe('SIGINT')
  })
})

describe('a folder that fails', () => {
  it('is removed under way', async () => {
    const started = run.start('removed', 'beginning', '--epochs', '100000')
    await hasSaved('removed', started)
    // In one go, while the run writes.
    renameSync(run.path('removed'), run.path('elsewhere'))
    expect(await failure(started)).toMatch(/removed\/\S+: cannot be written: no such file or folder$/)
    // What was removed is not made again.
    expect(existsSync(run.path('removed/last.safetensors'))).toBe(false)
  })

  const mountable = canMount()
  if (!mountable)
    console.warn('SKIPPED: a full disk needs a file system of its own, which only root can mount')

  it.skipIf(!mountable)('is on a disk that fills up, and goes on once there is room', async () => {
    const output = run.path('full')
    mkdirSync(output)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=72k', 'tmpfs', output])
    try {
      const message = await failure(run.start('full', 'beginning'))
      expect(message).toMatch(/full\/[\w.]+: cannot be written: the disk is full$/)
      const { info } = await readWeights(join(output, 'last.safetensors'))
      expect(info.training!.progress.epoch).toBeGreaterThan(0)
      expect(readdirSync(output).filter((name) => name.endsWith('.sae-tmp'))).toEqual([])
      execFileSync('mount', ['-o', 'remount,size=2m', output])
      expect(await run.start('full', 'last').ending).toMatchObject({ code: 0, errors: [] })
      requireEqual(run, 'full', 'whole')
    } finally {
      execFileSync('umount', [output])
    }
  })

  const root = process.getuid?.() === 0
  const testable = !root || mountable
  if (!testable) console.warn('SKIPPED: nothing is read-only for root, who cannot mount a disk here')

  it.skipIf(!testable)('is read-only', async () => {
    const output = run.path('read-only')
    mkdirSync(output)
    if (root) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', output])
    else chmodSync(output, 0o555)
    try {
      expect(await failure(run.start('read-only', 'beginning'))).toMatch(
        /read-only: cannot be written: no write permission for /,
      )
      expect(readdirSync(output)).toEqual([])
    } finally {
      if (root) execFileSync('umount', [output])
      else chmodSync(output, 0o755)
    }
  })
})

describe('two processes', () => {
  it('do not train in one folder at the same time', async () => {
    const first = run.start('shared', 'beginning', '--epochs', '100000')
    await hasSaved('shared', first)
    const before = readFileSync(run.path('shared/.sae-lock'), 'utf8')
    for (const from of ['beginning', 'last'] as const) {
      expect(
        await failure(
          run.start('shared', from, '--epochs', '100000', ...(from === 'beginning' ? ['--overwrite'] : [])),
        ),
      ).toMatch(
        new RegExp(`shared: another sae \\(process ${first.child.pid!} on .*\\) writes there; wait for it`),
      )
    }
    expect(readFileSync(run.path('shared/.sae-lock'), 'utf8')).toBe(before)
    first.child.kill('SIGINT')
    expect((await first.ending).code).toBe(130)
    requireNothingLeft(run.path('shared'))
  })
})

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const place = mkdtempSync(join(tmpdir(), 'sae-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place], { stdio: 'ignore' })
    execFileSync('umount', [place])
    return true
  } catch {
    return false
  } finally {
    rmSync(place, { recursive: true })
  }
}
