/** Sweeps one after the other, which write over what they read. */
import { describe, expect, it } from 'vitest'
import { nodesBehind } from '../../src/graph/gradients.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import * as ops from '../../src/ops/index.js'
import { findChain, inOrder, placesTaken } from '../../src/plan/chain.js'
import { compile, type CompileOptions } from '../../src/plan/compile.js'
import { inFull } from '../../src/plan/storage.js'
import { planSweep } from '../../src/plan/sweep.js'
import { needHalves, useGpu } from '../gpu.js'
import { drawFrom } from '../ops/check.js'

const device = useGpu()
const draw = drawFrom(31)

const convolved = (x: Value, name: string, dilation: number): Value => {
  const weight = parameter(
    name,
    [3, x.shape[1]!, 3, 3, 3],
    Float32Array.from(draw([3, x.shape[1]!, 3, 3, 3]).data),
  )
  return ops.conv3d(x, weight, undefined, { padding: 'same', dilation })
}

/** One channel of a volume: two volumes of three would have to exist at the end, however they are computed. */
const oneOf = (x: Value): Value => ops.slice(ops.relu(x), { starts: [1], ends: [2], axes: [1] })

/** Normalised layers, each of which needs the whole volume before it. */
const layers = (x: Value, dilations: readonly number[]): Value =>
  dilations.reduce((y, dilation, i) => ops.gelu(ops.instanceNorm(convolved(y, `w${i}`, dilation))), x)

const shape = [1, 1, 93, 16, 20]

async function run(outputs: readonly Value[], options: Omit<CompileOptions, 'outputs'>) {
  const plan = await compile(device.gpu, { outputs, ...options })
  try {
    const [x] = plan.inputs
    plan.write(
      x!,
      Float32Array.from({ length: x!.size }, (_, i) => Math.sin(i * i)),
    )
    const results: number[][] = []
    for (const value of [...outputs, ...outputs]) {
      await plan.run()
      results.push([...(await plan.read(value))])
    }
    return { results, bytes: plan.bytes, sweeps: plan.schedule.sweeps }
  } finally {
    plan.dispose()
  }
}

/** The sweeps of a chain, each with the places that its results take. */
function chainOf(outputs: readonly Value[], thickness = 8) {
  const nodes = nodesBehind(outputs).sort((a, b) => a.id - b.id)
  const kept = new Set(outputs)
  const blocks = findChain(nodes, kept)
  const ordered = inOrder(nodes, blocks)!
  return blocks.map((block) => {
    const sweep = planSweep(block, ordered, kept, thickness, inFull, () => true)
    return { sweep, taken: placesTaken(sweep, ordered, kept, inFull) }
  })
}

describe('a chain of sweeps', () => {
  it.each([
    ['growing', [1, 2, 5]],
    ['falling', [16, 4, 1, 9]],
  ])('gives the same bits in less memory, %s dilations', async (_, dilations) => {
    const y = oneOf(layers(input('x', shape), dilations))
    const whole = await run([y], { memoryTarget: Infinity })
    const tight = await run([y], { memoryTarget: 0 })
    expect(whole.sweeps).toHaveLength(0)
    expect(tight.sweeps.length).toBeGreaterThanOrEqual(dilations.length - 1)
    expect(tight.results).toEqual(whole.results)
    expect(tight.bytes).toBeLessThan(whole.bytes)
  })

  it('gives the same bits in half precision', async (context) => {
    needHalves(device.gpu, context)
    const y = oneOf(layers(input('x', shape), [4, 1, 2]))
    const whole = await run([y], { memoryTarget: Infinity, storage: 'f16' })
    const tight = await run([y], { memoryTarget: 0, storage: 'f16' })
    expect(tight.sweeps.length).toBeGreaterThan(1)
    expect(tight.results).toEqual(whole.results)
  })

  it('gives the same bits with a volume that is read again later', async () => {
    const x = input('x', shape)
    const first = convolved(x, 'first', 2)
    const second = layers(ops.gelu(ops.instanceNorm(first)), [3, 1])
    const outputs = [oneOf(ops.add(ops.instanceNorm(second), first))]
    const whole = await run(outputs, { memoryTarget: Infinity })
    const tight = await run(outputs, { memoryTarget: 0 })
    expect(tight.sweeps.length).toBeGreaterThan(1)
    expect(tight.results).toEqual(whole.results)
  })

  it('writes the result of each layer over the one before', () => {
    const y = layers(input('x', shape), [4, 2, 1])
    const chain = chainOf([ops.relu(y)])
    expect(chain.map(({ taken }) => [...taken].map(([made, place]) => [made.name, place.name]))).toEqual([
      [['conv3d', 'conv3d']],
      [['conv3d', 'conv3d']],
      [],
    ])
    for (const { sweep, taken } of chain)
      for (const [made, place] of taken) {
        expect(sweep.nodes).toContain(made.node)
        expect(sweep.nodes).not.toContain(place.node)
      }
  })

  it('takes no place of a volume that is kept, read later, too small, or read where it is written', () => {
    const x = input('x', shape)
    const first = convolved(x, 'first', 2)
    const second = convolved(ops.gelu(ops.instanceNorm(first)), 'second', 2)
    const third = ops.relu(ops.instanceNorm(second))
    const placesOf = (outputs: readonly Value[]) =>
      chainOf(outputs).flatMap(({ taken }) => [...taken.values()])
    expect(placesOf([third])).toEqual([first])
    expect(placesOf([third, first])).toEqual([])
    expect(placesOf([ops.add(ops.instanceNorm(third), first)])).not.toContain(first)
    const wide = ops.concat([ops.gelu(ops.instanceNorm(first)), first])
    expect(placesOf([ops.relu(ops.instanceNorm(convolvedTo(wide, 6)))])).toEqual([])
    const beside = ops.add(convolved(ops.gelu(ops.instanceNorm(first)), 'beside', 2), first)
    expect(placesOf([ops.relu(ops.instanceNorm(beside))])).toEqual([])
  })

  it('is not sought in a plan that updates variables', () => {
    const { output, update } = ops.batchNorm(convolved(input('x', shape), 'w', 1), undefined, undefined, {
      running: {
        mean: parameter('mean', [3], new Float32Array(3)),
        variance: parameter('variance', [3], new Float32Array(3)),
      },
    })
    const outputs = [layers(output, [2, 1])]
    const nodes = (effects: Parameters<typeof nodesBehind>[1]) =>
      nodesBehind(outputs, effects).sort((a, b) => a.id - b.id)
    expect(findChain(nodes([]), new Set(outputs))).not.toEqual([])
    expect(findChain(nodes([update!]), new Set(outputs))).toEqual([])
  })
})

describe('inOrder', () => {
  it('puts what a block needs before it, and gives up on blocks that need each other', () => {
    const x = input('x', shape)
    const [a, b] = [ops.relu(x), ops.gelu(x)]
    const [c, d] = [ops.relu(b), ops.gelu(a)]
    const nodes = [a, b, c, d].map((value) => value.node!)
    const [first, second, third, fourth] = nodes as [
      (typeof nodes)[0],
      (typeof nodes)[0],
      (typeof nodes)[0],
      (typeof nodes)[0],
    ]
    expect(inOrder(nodes, [[first, third]])).toEqual([second, first, third, fourth])
    expect(inOrder(nodes, [[first, third], [second, fourth]])).toBeUndefined() // prettier-ignore
  })
})

function convolvedTo(x: Value, channels: number): Value {
  const weight = parameter(
    'more',
    [channels, x.shape[1]!, 3, 3, 3],
    new Float32Array(channels * x.shape[1]! * 27),
  )
  return ops.conv3d(x, weight, undefined, { padding: 'same' })
}
