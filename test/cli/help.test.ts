/** What `sae` says of itself and of the machine. */
import { describe, expect, it } from 'vitest'
import { sae } from './support.js'

describe('sae info', () => {
  it('lists adapters and which one is chosen', async () => {
    const { code, stdout } = await sae(['info', '--json'])
    expect(code).toBe(0)
    const adapters = JSON.parse(stdout) as { chosen: boolean; why?: string; limits: Record<string, number> }[]
    const chosen = adapters.filter(({ chosen }) => chosen)
    expect(chosen).toHaveLength(1)
    expect(chosen[0]!.why).toBeTruthy()
    expect(chosen[0]!.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27)
    expect((await sae(['info'])).stdout).toContain('<- chosen: ')
  })
})

describe('sae --help', () => {
  it.each([
    'adapt',
    'prepare',
    'prior',
    'em',
    'pretrain',
    'train',
    'segment',
    'evaluate',
    'compare',
    'report',
    'resample',
    'convert',
    'export',
    'info',
    'register',
  ])('explains %s with an example', async (command) => {
    const { code, stdout } = await sae([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: sae ${command}`)
    expect(stdout).toContain(`Example:\n  sae ${command}`)
  })
})
