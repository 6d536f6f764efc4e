import { expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { sameConv3d } from '../../src/ops/conv3d/same.js'
import { conv3d } from '../../src/ops/index.js'

const x = input('x', [1, 2, 3, 3, 3])
const weight = parameter('w', [3, 2, 3, 3, 3], new Float32Array(162))

it('a convolution refuses to have no weight', () => {
  expect(() => conv3d(x, undefined as never)).toThrow('conv3d: weight: a Value is needed, not undefined')
})

it.each(['gelu', 'toString'])('a convolution refuses the activation %s', (name) => {
  const activation = name as never
  const message = `conv3d: there is no activation ${name}`
  for (const stride of [1, 2])
    expect(() => conv3d(x, weight, undefined, { stride, activation })).toThrow(message)
  expect(() => sameConv3d(x, weight, undefined, { activation })).toThrow(message)
})
