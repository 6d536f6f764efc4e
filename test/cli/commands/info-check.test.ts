import { expect, it } from 'vitest'
import { succeed } from '../support.js'

it('sae info --check prints a line for each family of kernels, or JSON', async () => {
  const { stdout } = await succeed(['info', '--check'])
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(10)
  for (const line of lines) expect(line).toMatch(/^\w[\w ,]+ ok +relative error \d\.\de[+-]\d+$/)
  const json = await succeed(['info', '--check', '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject(Array(10).fill({ ok: true }))
})
