import { describe, expect, it } from 'vitest'
import { formatInputs, requireSameInputs } from '../../../src/cli/run/run-inputs.js'
import { Terminal } from '../../../src/cli/terminal.js'
import { userError } from '../../io/support.js'

const now = { scans: ['ab', 'cd'], prior: 'ef', every: 2 }
const check = (saved: string) => {
  requireSameInputs(saved, now, ['a.nii', 'b.nii'], 'prior.nii', 'last.safetensors', new Terminal('silent'))
}

describe('the inputs that a checkpoint names', () => {
  it('may be the inputs that are given', () => {
    expect(() => {
      check(formatInputs(now))
    }).not.toThrow()
  })

  it.each([
    'null',
    '[]',
    '{',
    '{}',
    '{"scans": [1], "prior": "ef", "every": 2}',
    '{"scans": "ab", "prior": "ef", "every": 2}',
  ])('are refused if they are %s', (saved) => {
    const message = userError(() => {
      check(saved)
    })
    expect(message).toMatch(/^last\.safetensors: what it holds of its inputs makes no sense/)
  })
})
