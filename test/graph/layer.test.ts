/** Names of layers and values, in nodes, in rows of a plan and in messages. */
import { expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import { gradients } from '../../src/graph/gradients.js'
import { inLayer } from '../../src/graph/layer.js'
import { op } from '../../src/graph/op.js'
import { input, parameter } from '../../src/graph/value.js'
import { conv3d, instanceNorm, labelConv3d, logSumExp, maxPool3d, relu, sum } from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { describe as rowsOf } from '../../src/plan/describe.js'
import { useGpu } from '../gpu.js'

const device = useGpu()
const x = input('x', [1, 2, 4, 4, 4])
const weights = (...shape: number[]) =>
  parameter('w', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)))

it('names nodes and their gradients, nested', async () => {
  const w = weights(3, 2, 3, 3, 3)
  const y = inLayer('decoder', () =>
    inLayer('head', () => relu(conv3d(x, w, undefined, { padding: 'same' }))),
  )
  expect(y.node!.layer).toBe('decoder.head')
  const [gradient] = gradients(sum(y), [x])
  expect(gradient!.node).toMatchObject({ op: 'conv3d backward input', layer: 'decoder.head' })
  const plan = await compile(device.gpu, { outputs: [gradient!] })
  const layers = rowsOf(plan).map(({ op, layer }) => [op, layer])
  expect(layers).toContainEqual(['relu', 'decoder.head'])
  expect(layers).toContainEqual(['conv3d backward input', 'decoder.head'])
  plan.dispose()
  expect(relu(x).node!.layer).toBeUndefined()
})

it('heads messages with the layer, once, and keeps the kind of error', () => {
  const attempt = () => inLayer('net', () => inLayer('stem', () => conv3d(x, weights(4, 3, 3, 3, 3))))
  expect(attempt).toThrow(
    /^net\.stem: conv3d: weight w \[4, 3, 3, 3, 3\] reads 3 channels, input x \[1, 2, 4, 4, 4\] has 2$/,
  )
  const fail = () => inLayer('stem', () => { throw new UserError('no') }) // prettier-ignore
  expect(fail).toThrow(UserError)
  expect(fail).toThrow(/^stem: no$/)
  // Nothing is left of the layer.
  expect(() => conv3d(x, weights(4, 3, 3, 3, 3))).toThrow(/^conv3d: /)
})

it('names values', () => {
  const y = relu(x).named('features')
  expect(String(y)).toMatch(/^features#\d+ f32\[1,2,4,4,4\]$/)
  expect(() => gradients(y, [x])).toThrow('features must be a scalar')
  expect(() => x.named('z')).toThrow('x: a input keeps the name it was made with')
})

it.each([
  ['log_sum_exp', () => logSumExp(input('table', [4, 3]))],
  ['max_pool3d', () => maxPool3d(input('table', [4, 3]), { kernelSize: 2 })],
  ['instance_norm', () => instanceNorm(input('table', [4, 3]))],
])('%s names itself where it is given a flat value', (name, attempt) => {
  expect(attempt).toThrow(`${name}: table: a volume [N,C,D,H,W] is needed, not [4, 3]`)
})

it('explains the layout of a weight that was made as a volume', () => {
  const volume = input('w', [2, 2, 1, 3, 3])
  const message =
    "weight w [2, 2, 1, 3, 3] is laid out as a volume, but a weight must be flat (row-major); make it with input('w', [2, 2, 1, 3, 3], { layout: 'flat' })"
  expect(() => conv3d(x, volume)).toThrow(`conv3d: ${message}`)
  expect(() => labelConv3d(input('l', [1, 1, 2, 2, 2], { dtype: 'u32' }), volume)).toThrow(message)
  expect(() => logSumExp(input('w', [1, 2, 1, 1, 1], { layout: 'flat' }))).toThrow("layout 'flat'")
})

it('refuses a gradient of another shape, layout or type, naming op, layer and shapes', () => {
  const shaped = (gradient: ReturnType<typeof input>) =>
    inLayer('mine', () =>
      op({
        name: 'twist',
        inputs: { x },
        output: { shape: x.shape },
        emit: () => [],
        backward: () => ({ x: gradient }),
      }),
    )
  const attempt = (gradient: ReturnType<typeof input>) => () => gradients(sum(shaped(gradient)), [x])
  expect(attempt(input('g', [1, 2, 4, 4, 2]))).toThrow(
    'gradients: mine: twist: the gradient of its input x must be f32 [1, 2, 4, 4, 4] (volume), not f32 [1, 2, 4, 4, 2] (volume)',
  )
  expect(attempt(input('g', [1, 2, 4, 4, 4], { layout: 'flat' }))).toThrow(
    '(volume), not f32 [1, 2, 4, 4, 4] (flat)',
  )
  expect(attempt(input('g', [1, 2, 4, 4, 4], { dtype: 'u32' }))).toThrow('not u32')
  expect(attempt(input('g', [1, 2, 4, 4, 4]))).not.toThrow()
})
