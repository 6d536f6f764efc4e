/** CONTRIBUTING.md walks through an op of the library: what it quotes is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './installed.js'

const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')

it('quotes files of the repository', () => {
  const files = [...page.matchAll(/`((?:src|shaders|test|bench)\/[\w./-]+\.\w+)`/g)].map(([, path]) => path!)
  for (const path of files) expect(existsSync(join(root, path)), path).toBe(true)
  const texts = files.map((path) => readFileSync(join(root, path), 'utf8'))
  const blocks = [...page.matchAll(/^```(?:ts|wgsl)\n([^]*?)^```$/gm)].map(([, block]) => block!)
  expect(blocks).toHaveLength(7)
  for (const block of blocks)
    expect(
      texts.some((text) => text.includes(block)),
      block,
    ).toBe(true)
})

it('names existing scripts', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...page.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!)
  expect(named).toContain('new:op')
  for (const name of named) expect(Object.keys(scripts)).toContain(name)
})
