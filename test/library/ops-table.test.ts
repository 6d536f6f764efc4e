import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as functions from '../../src/ops/index.js'
import { root } from './installed.js'

it('docs/ops.md has a row for every op, and for nothing else', () => {
  const text = readFileSync(join(root, 'docs/ops.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name!)
  expect(rows.toSorted()).toEqual(Object.keys(functions).toSorted())
})
