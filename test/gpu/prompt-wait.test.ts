import { expect, it, vi } from 'vitest'
import { nudging } from '../../src/gpu/prompt-wait.js'

it('submits nothing until the promise is settled, and no longer', async () => {
  const submit = vi.fn()
  const result = await nudging({ submit }, new Promise((resolve) => setTimeout(resolve, 30, 'done')))
  expect(result).toBe('done')
  const calls = submit.mock.calls.length
  expect(calls).toBeGreaterThan(2)
  expect(submit.mock.calls.every(([list]) => (list as unknown[]).length === 0)).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(submit.mock.calls.length).toBe(calls)
})

it('passes a failure on, and stops', async () => {
  const submit = vi.fn()
  await expect(nudging({ submit }, Promise.reject(new Error('lost')))).rejects.toThrow('lost')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(submit.mock.calls.length).toBe(1)
})
