/** Element-wise and sampling ops against PyTorch's numbers, on the device and in the references: torch_elements.py wrote them. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/graph/value.js'
import { readSafetensors } from '../../src/io/safetensors.js'
import * as ops from '../../src/ops/index.js'
import { differentiate, evaluate, useGpu } from '../gpu.js'
import * as largest from '../reference/amax.js'
import * as affine from '../reference/affine-grid.js'
import * as arithmetic from '../reference/arithmetic.js'
import * as clamp from '../reference/clamp.js'
import * as conv2d from '../reference/conv2d.js'
import * as erf from '../reference/erf.js'
import * as grids from '../reference/grid-sample.js'
import { fromArray, map, relativeError, type NdArray } from '../reference/nd-array.js'
import * as pow from '../reference/pow.js'
import * as sin from '../reference/sin.js'
import * as where from '../reference/where.js'

const device = useGpu()
const file = new URL('torch-elements.safetensors', import.meta.url)
const { tensors } = readSafetensors(readFileSync(file), 'torch-elements.safetensors')

type Arrays = Record<string, NdArray>
type Values = Record<string, Value>

/** The op on the device, and its reference: the output, and the gradients by the inputs' names. */
interface Checked {
  readonly build: (values: Values) => Value
  readonly forward: (arrays: Arrays) => NdArray
  /** Without it, the output has no gradient. */
  readonly backward?: (g: NdArray, arrays: Arrays) => Arrays
}

function binary(name: 'minimum' | 'maximum'): Checked {
  return {
    build: ({ a, b }) => ops[name](a!, b!),
    forward: ({ a, b }) => arithmetic.forward(name, a!, b!),
    backward: (g, { a, b }) => {
      const { gradA, gradB } = arithmetic.backward(name, g, a!, b!)
      return { a: gradA, b: gradB }
    },
  }
}

const comparison = (name: keyof typeof arithmetic.comparisons): Checked => ({
  build: ({ a, b }) => ops[name](a!, b!),
  forward: ({ a, b }) => arithmetic.compare(name, a!, b!),
})

const clamped = (min?: number, max?: number): Checked => ({
  build: ({ x }) => ops.clamp(x!, min, max),
  forward: ({ x }) => clamp.forward(x!, min, max),
  backward: (g, { x }) => ({ x: clamp.backward(g, x!, min, max).gradInput }),
})

function power(exponent: number): Checked {
  const b = fromArray([1], [exponent])
  return {
    build: ({ x }) => ops.pow(x!, exponent),
    forward: ({ x }) => pow.forward(x!, b),
    backward: (g, { x }) => ({ x: pow.backward(g, x!, b).gradA }),
  }
}

const wave = (name: sin.Name): Checked => ({
  build: ({ x }) => ops[name](x!),
  forward: ({ x }) => sin.forward(name, x!),
  backward: (g, { x }) => ({ x: sin.backward(name, g, x!).gradInput }),
})

const extreme = (name: 'amax' | 'amin', axes: readonly number[]): Checked => {
  const turned = (x: NdArray) => (name === 'amax' ? x : map(x, (value) => -value))
  return {
    build: ({ x }) => ops[name](x!, { axes, keepDims: true }),
    forward: ({ x }) => turned(largest.forward(turned(x!), axes)),
    backward: (g, { x }) => ({ x: largest.backward(g, turned(x!), axes).gradInput }),
  }
}

const sampled = (options: ops.GridSampleOptions): Checked => ({
  build: ({ x, grid }) => ops.gridSample(x!, grid!, options),
  forward: ({ x, grid }) => grids.forward(x!, grid!, options),
  backward: (g, { x, grid }) => {
    const { gradInput, gradGrid } = grids.backward(g, x!, grid!, options)
    return options.mode === 'nearest' ? { x: gradInput } : { x: gradInput, grid: gradGrid }
  },
})

const affineGrid = (alignCorners: boolean): Checked => ({
  build: ({ theta }) => ops.affineGrid(theta!, [3, 5, 2], { alignCorners }),
  forward: ({ theta }) => affine.forward(theta!, [3, 5, 2], alignCorners),
  backward: (g) => ({ theta: affine.backward(g, alignCorners).gradTheta }),
})

function convolution(build: (x: Value, w: Value, b: Value) => Value, options: conv2d.Options): Checked {
  return {
    build: ({ x, w, b }) => build(x!, w!, b!),
    forward: ({ x, w, b }) => conv2d.forward(x!, w!, b!, options),
    backward: (g, { x, w, b }) => {
      const { gradInput, gradWeight, gradBias } = conv2d.backward(g, x!, w!, b!, options)
      return { x: gradInput, w: gradWeight, b: gradBias }
    },
  }
}

const transposed = { stride: 2, padding: 1, outputPadding: 1 }
const transposedPairs = { stride: [2, 2], padding: [1, 1], outputPadding: [1, 1] }

const checks: Record<string, Checked> = {
  minimum: binary('minimum'),
  maximum: binary('maximum'),
  eq: comparison('equal'),
  ne: comparison('notEqual'),
  gt: comparison('greater'),
  ge: comparison('greaterEqual'),
  lt: comparison('less'),
  le: comparison('lessEqual'),
  clamp: clamped(-0.5, 0.25),
  clamp_min: clamped(0.25),
  where: {
    build: ({ mask, a, b }) => ops.where(ops.greater(mask!, 0), a!, b!),
    forward: ({ mask, a, b }) => where.forward(positive(mask!), a!, b!),
    backward: (g, { mask, a, b }) => {
      const { gradA, gradB } = where.backward(g, positive(mask!), a!, b!)
      return { a: gradA, b: gradB }
    },
  },
  pow: {
    build: ({ a, b }) => ops.pow(a!, b!),
    forward: ({ a, b }) => pow.forward(a!, b!),
    backward: (g, { a, b }) => {
      const { gradA, gradB } = pow.backward(g, a!, b!)
      return { a: gradA, b: gradB }
    },
  },
  ...Object.fromEntries([2, 3, -1, 0, 0.5].map((exponent) => [`pow_${exponent}`, power(exponent)])),
  sin: wave('sin'),
  cos: wave('cos'),
  erf: {
    build: ({ x }) => ops.erf(x!),
    forward: ({ x }) => erf.forward(x!),
    backward: (g, { x }) => ({ x: erf.backward(g, x!).gradInput }),
  },
  amax: extreme('amax', [1, 3]),
  amin: extreme('amin', [0, 2, 4]),
  ...Object.fromEntries(
    (['trilinear', 'nearest'] as const).flatMap((mode) =>
      (['zeros', 'border'] as const).flatMap((padding) =>
        [false, true].map((alignCorners) => [
          `grid_sample_${mode === 'nearest' ? mode : 'bilinear'}_${padding}_${alignCorners ? 'True' : 'False'}`,
          sampled({ mode, padding, alignCorners }),
        ]),
      ),
    ),
  ),
  affine_grid_False: affineGrid(false),
  affine_grid_True: affineGrid(true),
  conv1d: convolution((x, w, b) => ops.conv1d(x, w, b, { stride: 2, padding: 1 }), {
    stride: [2],
    padding: [1],
  }),
  conv2d: convolution((x, w, b) => ops.conv2d(x, w, b, { stride: [2, 1], padding: 1 }), {
    stride: [2, 1],
    padding: [1, 1],
  }),
  conv2d_groups: convolution((x, w, b) => ops.conv2d(x, w, b, { padding: 2, dilation: 2, groups: 2 }), {
    padding: [2, 2],
    dilation: [2, 2],
    groups: 2,
  }),
  conv_transpose2d: {
    build: ({ x, w, b }) => ops.convTranspose2d(x!, w!, b, transposed),
    forward: ({ x, w, b }) => conv2d.transposedForward(x!, w!, b!, transposedPairs),
    backward: (g, { x, w }) => {
      const { gradInput, gradWeight, gradBias } = conv2d.transposedBackward(g, x!, w!, transposedPairs)
      return { x: gradInput, w: gradWeight, b: gradBias }
    },
  },
}

const positive = ({ shape, data }: NdArray): NdArray =>
  fromArray(
    shape,
    data.map((x) => Number(x > 0)),
  )

const names = [...new Set([...tensors.keys()].map((key) => key.slice(0, key.lastIndexOf('.'))))]

/** Roundings of f32 in PyTorch and on the device. */
const tolerance = 3e-6

describe('numbers of PyTorch', () => {
  it('are those of the cases here', () => {
    expect(names.sort()).toEqual(Object.keys(checks).sort())
  })

  it.each(names)('%s', async (name) => {
    const { build, forward, backward } = checks[name]!
    const array = (field: string): NdArray => {
      const { shape, data } = tensors.get(`${name}.${field}`)!
      return fromArray(shape, Float64Array.from(data as Float32Array))
    }
    const fields = [...tensors.keys()]
      .filter((key) => key.startsWith(`${name}.`))
      .map((key) => key.slice(name.length + 1))
    const feeds = Object.fromEntries(
      fields.filter((field) => field !== 'out' && !field.startsWith('g') || field === 'grid').map((field) => [field, array(field)]), // prettier-ignore
    )
    expect(relativeError(forward(feeds), array('out')), 'output of the reference').toBeLessThan(tolerance)
    if (!backward) {
      const { y } = await evaluate(device.gpu, feeds, (v) => ({ y: build(v) }))
      expect(relativeError(y, array('out')), 'output').toBeLessThan(tolerance)
      return
    }
    const g = array('gout')
    const expected = backward(g, feeds)
    const results = await differentiate(device.gpu, feeds, Object.keys(expected), g, build)
    expect(relativeError(results.output!, array('out')), 'output').toBeLessThan(tolerance)
    for (const [field, gradient] of Object.entries(expected)) {
      const golden = array(`g${field}`)
      // That of a constant is 0.
      const error = (actual: NdArray) =>
        golden.data.every((x) => x === 0) ? Math.hypot(...actual.data) : relativeError(actual, golden)
      expect(error(gradient), `gradient of ${field} in the reference`).toBeLessThan(tolerance)
      expect(error(results[`grad ${field}`]!), `gradient of ${field}`).toBeLessThan(tolerance)
    }
  })
})
