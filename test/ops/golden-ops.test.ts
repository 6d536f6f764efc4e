import { describe, expect, it } from 'vitest'
import {
  conv3d,
  instanceNorm,
  logSoftmax,
  maxPool3d,
  mrfEnergy,
  upsampleNearest,
} from '../../src/ops/index.js'
import type { Value } from '../../src/autograd/value.js'
import { differentiate, useGpu, type Feeds } from '../gpu.js'
import { openGolden } from '../reference/golden.js'
import { logMrfTable } from '../reference/mrf.js'
import { map, relativeError } from '../reference/nd-array.js'

const golden = openGolden('ops.safetensors')
const device = useGpu()

describe.skipIf(!golden)('golden ops on the GPU', () => {
  const check = async (
    name: string,
    wanted: readonly string[],
    feeds: Feeds,
    build: (values: Record<string, Value>) => Value,
    inputScale = 1,
  ) => {
    const gout = golden!.tensor(`${name}.gout`)
    const results = await differentiate(device.gpu, feeds, wanted, gout, build, ['w'])
    expect(relativeError(results.output!, golden!.tensor(`${name}.out`)), `${name}.out`).toBeLessThanOrEqual(
      1e-5,
    )
    for (const input of wanted) {
      const actual = map(results[`grad ${input}`]!, (g) => g * inputScale)
      expect(
        relativeError(actual, golden!.tensor(`${name}.g${input}`)),
        `${name}.g${input}`,
      ).toBeLessThanOrEqual(1e-5)
    }
  }
  const tensor = (name: string) => golden!.tensor(name)

  for (const name of ['conv3d_1_4', 'conv3d_3_5', 'conv3d_14_14', 'conv3d_64_16', 'conv3d_14_1']) {
    it(name, () =>
      check(
        name,
        ['x', 'w', 'b'],
        { x: tensor(`${name}.x`), w: tensor(`${name}.w`), b: tensor(`${name}.b`) },
        (v) => conv3d(v.x!, v.w!, v.b!),
      ),
    )
  }
  for (const name of ['maxpool3d', 'maxpool3d_odd']) {
    it(name, () => check(name, ['x'], { x: tensor(`${name}.x`) }, (v) => maxPool3d(v.x!)))
  }
  it('upsample_nearest', () =>
    check('upsample_nearest', ['x'], { x: tensor('upsample_nearest.x') }, (v) => upsampleNearest(v.x!)))
  it('instancenorm3d', () =>
    check('instancenorm3d', ['x'], { x: tensor('instancenorm3d.x') }, (v) => instanceNorm(v.x!)))
  it('log_softmax', () =>
    check(
      'log_softmax',
      ['x'],
      { x: map(tensor('log_softmax.x'), (x) => Math.fround(20 * x)) },
      (v) => logSoftmax(v.x!),
      20,
    ))
  for (const k of [3, 5, 7]) {
    it(`mrf_k${k}`, () =>
      check(
        `mrf_k${k}`,
        ['pi'],
        { pi: tensor(`mrf_k${k}.pi`), table: logMrfTable(tensor(`mrf_k${k}.table`)) },
        (v) => mrfEnergy(v.pi!, v.table!, k),
      ))
  }
})
