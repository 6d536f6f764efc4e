import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sae } from '../support.js'

const folder = mkdtempSync(join(tmpdir(), 'sae-tune-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const environment = { XDG_CACHE_HOME: folder, SAE_TILES: 'tuned' }

interface Report {
  readonly chosen: boolean
  readonly tuned?: { readonly date: string; readonly convolutions: number }
}

async function tunedOf(change: Readonly<Record<string, string>> = {}): Promise<Report['tuned']> {
  const { stdout } = await sae(['info', '--json'], { ...environment, ...change })
  return (JSON.parse(stdout) as Report[]).find(({ chosen }) => chosen)!.tuned
}

it('sae tune keeps what it measured, for later runs with this adapter', async () => {
  expect(await tunedOf()).toBeUndefined()
  const tuned = await sae(['tune', '--size', '8x8x12', '--classes', '2', '--seconds', '20'], environment)
  expect(tuned).toMatchObject({ code: 0 })
  const [first] = tuned.stdout.split('\n')
  expect(first).toMatch(
    /^\d+ -> \d+ channels, 16x16x16: [\d.e+]+( -> [\d.e+]+)? GFLOP\/s with \d+ x \d+ outputs$/,
  )
  const cache = join(folder, 'sae-webgpu')
  const [file] = readdirSync(cache).filter((name) => name.startsWith('tiles-'))
  const path = join(cache, file!)
  const kept = JSON.parse(readFileSync(path, 'utf8')) as { tiles: unknown[]; date: string }
  expect(await tunedOf()).toEqual({ date: kept.date, convolutions: kept.tiles.length })
  expect(await tunedOf({ SAE_TILES: 'default' })).toBeUndefined()

  const check = await sae(['info', '--check'], environment)
  expect(check).toMatchObject({ code: 0 })
  expect(check.errors.join('\n')).toContain(', tuned tiles')

  writeFileSync(path, '{"tiles": [{"x": 3}]')
  expect(await tunedOf()).toBeUndefined()
  expect(await sae(['tune', '--forget'], environment)).toMatchObject({ code: 0 })
  expect(readdirSync(cache).filter((name) => name.startsWith('tiles-'))).toEqual([])
})

it('refuses a malformed size, and tiles that do not exist', async () => {
  const size = await sae(['tune', '--size', '4x4'], environment)
  expect(size).toMatchObject({
    code: 2,
    errors: [
      "sae: option '--size <DxHxW>' argument '4x4' is invalid. It must be three extents such as 160x192x224.",
    ],
  })
  const tiles = await sae(['info'], { ...environment, SAE_TILES: 'best' })
  expect(tiles).toMatchObject({ code: 2, errors: ['sae: SAE_TILES must be default or tuned, not "best"'] })
})
