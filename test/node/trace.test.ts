import { describe, expect, it } from 'vitest'
import { traceOf } from '../../src/node/index.js'

describe('traceOf', () => {
  it.each([
    ['', []],
    ['1', []],
    ['shaders', ['shader']],
    ['plan', ['plan']],
    ['plan,shaders', ['shader', 'plan']],
  ])('takes SAE_DEBUG=%s for %j', (wanted, shown) => {
    expect(Object.keys(traceOf(wanted))).toEqual(shown)
  })
})
