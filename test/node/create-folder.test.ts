import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFolder } from '../../src/node/create-folder.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-folder-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

it('creates a folder and those above it, or takes those that are there', () => {
  const path = join(folder, 'a/b/c')
  createFolder(path)
  createFolder(path)
  createFolder(`${path}/`)
  expect(existsSync(path)).toBe(true)
})

it('fails on a file and on a link to nothing', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(() => {
    createFolder(file)
  }).toThrow('EEXIST')
  expect(() => {
    createFolder(join(file, 'below'))
  }).toThrow('ENOTDIR')
  symlinkSync(join(folder, 'nothing'), join(folder, 'link'))
  expect(() => {
    createFolder(join(folder, 'link'))
  }).toThrow('ENOENT')
})

it.skipIf(process.platform !== 'linux')(
  'fails where no folder can be made, and does not try for ever',
  () => {
    expect(() => {
      createFolder('/proc/sae-webgpu/a/b')
    }).toThrow('ENOENT')
  },
)
