import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/graph/gradients.js'
import { defineNode, type Gradients, type Inputs } from '../../src/graph/node.js'
import { op } from '../../src/graph/op.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { multiply } from '../../src/ops/index.js'

const [x, y] = [input('x', [1]), input('y', [1])]

/** An op that is never run, with the gradients given. */
const opOf = (inputs: Inputs, backward?: (gradOutput: Value, output: Value) => Gradients<Inputs>): Value =>
  op({ name: 'test', inputs, output: { shape: [1] }, emit: () => [], backward })

describe('op', () => {
  it('skips inputs that are not given', () => {
    expect(opOf({ x, nothing: undefined, y }).node!.inputs).toEqual([x, y])
  })

  it('matches gradients with inputs by name, whatever their order', () => {
    const [forX, forY] = [input('gradient of x', [1]), input('gradient of y', [1])]
    const loss = opOf({ x, nothing: undefined, y }, () => ({ y: forY, x: forX }))
    expect(gradients(loss, [x, y])).toEqual([forX, forY])
  })

  it('hands its output and the gradient of it to backward', () => {
    let seen: readonly Value[] = []
    const inner = opOf({ x }, (gradOutput, output) => {
      seen = [gradOutput, output]
      return { x: gradOutput }
    })
    const gradInner = input('gradient', [1])
    expect(
      gradients(
        opOf({ inner }, () => ({ inner: gradInner })),
        [x],
      ),
    ).toEqual([gradInner])
    expect(seen).toEqual([gradInner, inner])
  })

  it('says which input a gradient flows into in vain', () => {
    const without = opOf({ x, y }, () => ({ x: y }))
    expect(() => gradients(without, [y])).toThrow('test does not depend on y')
    const misspelt = opOf({ x }, (gradOutput) => ({ X: gradOutput }))
    expect(() => gradients(misspelt, [x])).toThrow('test: a gradient of X, but its inputs are x')
  })

  it('is stored in full if an input is, or if it says so', () => {
    const wide = op({ name: 'wide', inputs: {}, output: { shape: [1], wide: true }, emit: () => [] })
    expect([opOf({ x }), wide, opOf({ x, wide })].map((value) => value.wide)).toEqual([false, true, true])
    const narrow = op({
      name: 'narrow',
      inputs: { wide },
      output: { shape: [1], wide: false },
      emit: () => [],
    })
    expect(narrow.wide).toBe(false)
  })
})

describe('defineNode', () => {
  it('takes the shape alone of an output that is specified by a value', () => {
    const p = parameter('p', [2], Float32Array.of(3, 4))
    const step = input('step', [1], { feed: (i) => Float32Array.of(i) })
    for (const output of [p, step]) {
      const made = op({ name: 'test', inputs: { x }, output, emit: () => [] })
      expect(made).toMatchObject({ role: 'computed', shape: output.shape, layout: 'flat' })
      expect([made.initial, made.feed]).toEqual([undefined, undefined])
    }
    // As an op with a number does, whose output has the form of its only value.
    expect(multiply(p, 2).initial).toBeUndefined()
  })

  it('has an output for each that is specified, and work that is cut only if planes are given', () => {
    const whole = defineNode({
      name: 'two',
      inputs: { x },
      outputs: [{ shape: [2] }, { name: 'second', shape: [3], dtype: 'u32' }],
      emit: ([first, second], _, slab) => [
        {
          shader: { name: '', text: '' },
          params: { ...slab },
          bindings: {},
          workgroups: [first.size, second.size],
        },
      ],
    })
    expect(whole.outputs.map(({ name, shape, dtype }) => [name, shape, dtype])).toEqual([
      ['two', [2], 'f32'],
      ['second', [3], 'u32'],
    ])
    expect(whole.slices).toBeUndefined()
    const device = { bindingElements: 1, uniformBytes: 1, software: true, subgroupSize: 0 }
    expect(whole.emit(device)).toMatchObject([{ params: { first: 0, end: 1 }, workgroups: [2, 3] }])
    const cut = defineNode({ name: 'cut', inputs: { x }, planes: 4, emit: () => [] })
    expect(cut.outputs).toEqual([])
    expect(cut.slices!.planes).toBe(4)
  })
})
