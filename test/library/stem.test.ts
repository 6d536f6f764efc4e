/** One op, one stem: the same name in src/ops, shaders, test/ops and test/reference, and an export line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as functions from '../../src/ops/index.js'
import { root } from './installed.js'

const names = (folder: string): string[] => readdirSync(join(root, folder))

/** What src/ops holds beside ops. */
const others = ['index', 'shared']
/** Ops that others call, which programs see. */
const parts = ['sum-axes']
const ops = names('src/ops')
  .map((name) => name.replace(/\.ts$/, ''))
  .filter((name) => !others.includes(name))

/** Folders of shaders that no single op owns: those of optimisers, and kernels that several ops run. */
const shared = [
  'accumulation',
  'adam',
  'clip_norm',
  'common',
  'elementwise',
  'normalise',
  'reduce',
  'scalar',
  'sgd',
  'strided',
]

describe.each(ops)('the op %s', (stem) => {
  it('has a reference and a test', () => {
    for (const path of [`test/reference/${stem}.ts`, `test/ops/${stem}.test.ts`])
      expect(existsSync(join(root, path)), path).toBe(true)
  })

  if (parts.includes(stem)) return
  it('has an export line', () => {
    const index = readFileSync(join(root, 'src/ops/index.ts'), 'utf8')
    const file = names('src/ops').includes(stem) ? `./${stem}/index.js` : `./${stem}.js`
    expect(index).toContain(` from '${file}'\n`)
  })
})

describe('shaders/', () => {
  it('has a folder for each op that has kernels of its own, and of what ops share', () => {
    const owned = names('shaders').filter((folder) => !shared.includes(folder))
    expect(owned.filter((folder) => !ops.includes(folder.replaceAll('_', '-')))).toEqual([])
    expect(shared.filter((folder) => !names('shaders').includes(folder))).toEqual([])
  })
})

describe('the names in plans', () => {
  const written = (readdirSync(join(root, 'src/ops'), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, 'src/ops', name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/^ +name: '([^']+)',$/gm)].map(([, name]) => name!))
  const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

  it.each(written)('%s begins with the name of a function', (name) => {
    expect(Object.keys(functions).map(snake)).toContain(name.split(' ')[0])
  })
})

describe('what tests and benchmarks say of ops', () => {
  it('lists only existing ops', () => {
    // Tests of several ops together, and what is refused before a device is needed.
    const together = ['conv3d-refusals', 'half', 'normalise-activation', 'random', 'windows']
    const tests = names('test/ops').flatMap((name) => /^(.*)\.test\.ts$/.exec(name)?.[1] ?? [])
    expect(tests.filter((stem) => !ops.includes(stem) && !together.includes(stem))).toEqual([])
    const cases = names('bench/ops/cases').map((name) => name.replace(/\.ts$/, ''))
    expect(cases.filter((stem) => !ops.includes(stem) && stem !== 'adam')).toEqual([])
    const variants = names('test/gpu/variants').map((name) => name.replace(/\.ts$/, '').replaceAll('-', '_'))
    expect(variants.filter((folder) => !names('shaders').includes(folder))).toEqual([])
  })
})
