import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { chooseAdapter, type FoundAdapter } from '../../src/node/index.js'

const adapter = (name: string, kind: FoundAdapter['kind']) => ({ name, kind }) as FoundAdapter
const found = [
  adapter('NVIDIA H200', 'hardware'),
  adapter('llvmpipe (LLVM 15)', 'lavapipe'),
  adapter('SwiftShader Device', 'swiftshader'),
]

describe('chooseAdapter', () => {
  it('takes the first if none is requested', () => {
    expect(chooseAdapter(found).name).toBe('NVIDIA H200')
    expect(chooseAdapter(found, '').name).toBe('NVIDIA H200')
  })
  it('finds by part of the name or by kind, whatever the case', () => {
    expect(chooseAdapter(found, 'LLVMPIPE').kind).toBe('lavapipe')
    expect(chooseAdapter(found, 'lavapipe').kind).toBe('lavapipe')
    expect(chooseAdapter(found, 'swift').kind).toBe('swiftshader')
  })
  it('names the adapters if none fits, and what to do if there is none', () => {
    expect(() => chooseAdapter(found, 'radeon')).toThrow(
      /no adapter is called "radeon"; this machine has "NVIDIA H200"/,
    )
    expect(() => chooseAdapter([])).toThrow(/no GPU adapter on this machine: install/)
  })
})

describe('findAdapters', () => {
  const list = (env: Record<string, string>) => {
    const code = `
      const { findAdapters } = await import('./dist/node/index.js')
      console.log(JSON.stringify((await findAdapters()).map(({ name, kind }) => ({ name, kind }))))
      process.exit(0)`
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return JSON.parse(String(printed)) as { name: string; kind: string }[]
  }
  it('finds at least one adapter on this machine, hardware before software, SwiftShader last', () => {
    const order = ['hardware', 'lavapipe', 'software', 'swiftshader']
    const ranks = list({}).map(({ kind }) => order.indexOf(kind))
    expect(ranks.length).toBeGreaterThan(0)
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
  })
  it('falls back on the bundled SwiftShader if the only Vulkan driver is broken', () => {
    const broken = { VK_DRIVER_FILES: '/nonexistent.json', VK_ICD_FILENAMES: '/nonexistent.json' }
    expect(list(broken).map(({ kind }) => kind)).toEqual(['swiftshader'])
  })
})
