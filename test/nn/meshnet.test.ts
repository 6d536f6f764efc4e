import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { readTfjsModel } from '../../src/io/tfjs-files.js'
import { decodeTfjsModel, describeTfjsModel } from '../../src/io/tfjs-model.js'
import { meshNet, reachOf, type MeshNetLayer } from '../../src/nn/index.js'
import { compile } from '../../src/plan/compile.js'
import { evaluate, useGpu } from '../gpu.js'
import { makeTfjs } from '../io/make-tfjs.js'
import * as activation from '../reference/activation.js'
import * as conv3d from '../reference/conv3d.js'
import * as instanceNorm from '../reference/instance-norm.js'
import { fromArray, map, mulberry32, relativeError, uniform, type NdArray } from '../reference/nd-array.js'

const device = useGpu()

/** The network in float64, layer by layer. */
function reference(layers: readonly MeshNetLayer[], scan: NdArray): NdArray {
  return layers.reduce((x, { shape, dilation, normalised, activation: kind, weight, bias }) => {
    const w = fromArray([...shape], weight)
    const b = bias ? fromArray([shape[0]], bias) : null
    const convolved = conv3d.forward(x, w, b, { padding: 'same', dilation })
    const y = normalised ? instanceNorm.forward(convolved, null, null) : convolved
    if (kind === 'linear') return y
    return kind === 'relu' ? map(y, (v) => Math.max(v, 0)) : activation.forward(kind, y)
  }, scan)
}

const made = (): MeshNetLayer[] => {
  const common = { kernel: 3, bias: false, activation: 'gelu' }
  const { model, bin } = makeTfjs([
    { ...common, name: 'a_gn', inputs: 1, outputs: 5, dilation: 4 },
    { ...common, name: 'b_gn', inputs: 5, outputs: 5, dilation: 2 },
    { ...common, name: 'c', inputs: 5, outputs: 5, dilation: 1, bias: true, activation: 'elu' },
    { name: 'output', inputs: 5, outputs: 3, kernel: 1, dilation: 1, bias: true },
  ])
  return decodeTfjsModel(describeTfjsModel(JSON.stringify(model)), [bin])
}

async function logitsOf(layers: readonly MeshNetLayer[], scan: NdArray): Promise<NdArray> {
  const { logits } = await evaluate(device.gpu, { scan }, ({ scan }) => ({ logits: meshNet(layers)(scan!) }))
  return logits
}

describe('meshNet', () => {
  it.each([
    [9, 12, 16],
    [7, 5, 11],
  ])('computes what its layers say, %i x %i x %i', async (...shape) => {
    const scan = uniform([1, 1, ...shape], mulberry32(2), 0, 1)
    expect(relativeError((await logitsOf(made(), scan)).data, reference(made(), scan))).toBeLessThan(1e-5)
  })

  it('knows how far it sees, and its parameters', () => {
    expect(reachOf(made())).toEqual([7, 7, 7])
    expect(meshNet(made()).parameters.map(({ name }) => name)).toEqual([
      'a_gn.weight',
      'b_gn.weight',
      'c.weight',
      'c.bias',
      'output.weight',
      'output.bias',
    ])
    expect(() => meshNet([made()[0]!, made()[3]!, made()[1]!])).toThrow(
      'b_gn reads 5 channels, but output makes 3',
    )
    expect(() => meshNet([])).toThrow('at least one layer')
  })

  it('gives the same logits slab by slab', async () => {
    const scan = uniform([1, 1, 24, 8, 8], mulberry32(3), 0, 1)
    const layers = made().map((layer) => ({ ...layer, normalised: false }))
    const x = input('scan', scan.shape)
    const logits = meshNet(layers)(x)
    const whole = await logitsOf(layers, scan)
    const plan = await compile(device.gpu, { outputs: [logits], slabPlanes: 3 })
    try {
      expect(plan.slabs).toBe(8)
      plan.write(x, Float32Array.from(scan.data))
      await plan.run()
      expect(Array.from(await plan.read(logits))).toEqual(Array.from(whole.data))
    } finally {
      plan.dispose()
    }
  })

  const data = process.env.SAE_DATA ?? '../shared/data'
  const missing = !existsSync(`${data}/brainchop/mindgrab/model.json`)
  if (missing) console.warn(`SKIPPED: no brainchop models in ${data}/brainchop (set SAE_DATA)`)

  it.skipIf(missing).each([
    ['mindgrab', 25, 2],
    ['model18cls', 9, 18],
    ['model20chan3cls', 9, 3],
  ])("computes brainchop's %s", async (name, hidden, classes) => {
    const layers = await readTfjsModel(`${data}/brainchop/${name}`)
    expect(layers).toHaveLength(hidden + 1)
    const scan = uniform([1, 1, 12, 10, 12], mulberry32(4), 0, 1)
    const logits = await logitsOf(layers, scan)
    expect(logits.shape).toEqual([1, classes, 12, 10, 12])
    expect(relativeError(logits.data, reference(layers, scan))).toBeLessThan(1e-3)
  })
})
