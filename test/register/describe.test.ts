import { expect, it } from 'vitest'
import { doubtOf } from '../../src/register/describe.js'
import { affine, diagonal } from '../../src/sae/synth/affine.js'
import { turned } from './phantoms.js'

const names = ['fixed.nii', 'moving.nii'] as const

it('doubts a map that turns or stretches more than brains differ', () => {
  expect(doubtOf(turned(36, 1.1, [0, 0, 90]), names)).toBeUndefined()
  expect(doubtOf(turned(-36, 0.85, [0, 0, 0]), names)).toBeUndefined()
  expect(doubtOf(turned(60, 1, [0, 0, 0]), names)).toMatch(
    /^moving\.nii: was turned by 60 degrees to fit fixed/,
  )
  const squeezed = affine(diagonal([1, 0.6, 1]), [0, 0, 0])
  expect(doubtOf(squeezed, names)).toMatch(/^moving\.nii: .*0\.60 times as large along one axis/)
})
