/** Ops on shapes, channels, batches and kernels that nobody chose, beside their float64 references. */
import { avgPool3d, conv3d, logSoftmax, maxPool3d, mrfMessage, softmax } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as averages from '../reference/avg-pool3d.js'
import * as convolution from '../reference/conv3d.js'
import * as maxima from '../reference/max-pool3d.js'
import * as mrf from '../reference/mrf.js'
import { map } from '../reference/nd-array.js'
import * as softmaxes from '../reference/softmax.js'
import { expectReference } from './check.js'
import { randomCases, type Dice } from './random-shapes.js'

const device = useGpu()

type Triple = [number, number, number]

const triple = (axis: (i: 0 | 1 | 2) => number): Triple => [axis(0), axis(1), axis(2)]

randomCases('conv3d, same padding', 8, async (dice) => {
  const k = dice.pick([1, 3, 3, 5, 7] as const)
  // The reference is a loop over all products.
  const channels = () => dice.whole(1, { 1: 17, 3: 9, 5: 3, 7: 2 }[k])
  const x = dice.draw([dice.whole(1, 3), channels(), ...dice.extents()])
  const w = dice.draw([channels(), x.shape[1]!, k, k, k])
  const b = dice.whole(0, 1) ? dice.draw([w.shape[0]!]) : null
  const activation = dice.pick(['none', 'sigmoid'] as const)
  await expectConvolution(x, w, b, { padding: 'same', activation })
})

randomCases('conv3d, any geometry', 8, async (dice) => {
  const groups = dice.whole(1, 3)
  const extents = dice.extents()
  const kernel = triple(() => dice.whole(1, 4))
  const dilation = triple(() => dice.whole(1, 2))
  // At least as much as makes room for the kernel.
  const padding = triple((i) => {
    const missing = dilation[i] * (kernel[i] - 1) + 1 - extents[i]
    return Math.max(0, Math.ceil(missing / 2)) + dice.whole(0, 1)
  })
  const x = dice.draw([dice.whole(1, 3), groups * dice.whole(1, 3), ...extents])
  const w = dice.draw([groups * dice.whole(1, 4), x.shape[1]! / groups, ...kernel])
  const b = dice.whole(0, 1) ? dice.draw([w.shape[0]!]) : null
  await expectConvolution(x, w, b, { stride: triple(() => dice.whole(1, 3)), padding, dilation, groups })
})

randomCases('max_pool3d and avg_pool3d', 8, async (dice) => {
  const extents = dice.extents()
  const kernelSize = triple(() => dice.whole(1, 4))
  // No more than half of the kernel is allowed; a kernel that does not fit into what is left is made smaller.
  const padding = triple((i) => dice.whole(0, Math.floor(kernelSize[i] / 2)))
  extents.forEach((extent, i) => {
    if (extent + 2 * padding[i]! < kernelSize[i]!) [kernelSize[i], padding[i]] = [1, 0]
  })
  const options = { kernelSize, padding, stride: triple(() => dice.whole(1, 4)) }
  // Few levels: ties are the rule.
  const levels = dice.pick([2, 1000])
  const x = map(dice.draw([dice.whole(1, 3), dice.whole(1, 17), ...extents]), (v) =>
    Math.fround(Math.round(v * levels) / levels),
  )
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => maxPool3d(v.x!, options),
    expected: maxima.forward(x, options),
    backward: (gradOutput) => ({ x: maxima.backward(gradOutput, x, options).gradInput }),
  })
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => avgPool3d(v.x!, options),
    expected: averages.forward(x, options),
    backward: (gradOutput) => ({ x: averages.backward(gradOutput, x, options).gradInput }),
  })
})

randomCases('softmax and log_softmax', 8, async (dice) => {
  const range = dice.pick([0.1, 3, 30])
  const x = dice.draw(
    [dice.whole(1, 3), dice.pick([1, 2, 3, 7, 14, 17, 31, 40]), ...dice.extents()],
    -range,
    range,
  )
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => softmax(v.x!),
    expected: softmaxes.softmax(x),
    backward: (gradOutput) => ({ x: softmaxes.softmaxBackward(gradOutput, x).gradInput }),
    saturates: true,
  })
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => logSoftmax(v.x!),
    expected: softmaxes.logSoftmax(x),
    backward: (gradOutput) => ({ x: softmaxes.logSoftmaxBackward(gradOutput, x).gradInput }),
    saturates: true,
  })
})

randomCases('mrf_message', 8, async (dice) => {
  const classes = dice.whole(1, 17)
  const k = dice.pick([3, 5, 7, 9, 11, 21])
  const pi = map(
    softmaxes.softmax(dice.draw([dice.whole(1, 3), classes, ...dice.extents()], -3, 3)),
    Math.fround,
  )
  const table = dice.draw([classes, classes], -9, 0)
  await expectReference(device.gpu, {
    feeds: { pi, table },
    build: (v) => mrfMessage(v.pi!, v.table!, k),
    expected: mrf.mrfMessage(pi, table, k),
    backward: (gradOutput) => ({ pi: mrf.mrfMessageBackward(gradOutput, table, k).gradPi }),
  })
})

type Array5 = ReturnType<Dice['draw']>

async function expectConvolution(
  x: Array5,
  w: Array5,
  b: Array5 | null,
  options: convolution.Conv3dOptions,
): Promise<void> {
  await expectReference(device.gpu, {
    feeds: { x, w, ...(b ? { b } : {}) },
    flat: ['w'],
    tolerance: 2e-6,
    build: (v) => conv3d(v.x!, v.w!, v.b, options),
    expected: convolution.forward(x, w, b, options),
    backward: (gradOutput) => {
      const { gradInput, gradWeight, gradBias } = convolution.backward(gradOutput, x, w, b, options)
      return { x: gradInput, w: gradWeight, ...(b ? { b: gradBias } : {}) }
    },
  })
}
