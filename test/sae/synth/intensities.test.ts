import { describe, expect, it } from 'vitest'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { identityTable, type LabelTable } from '../../../src/sae/labels/label-table.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { Random } from '../../../src/sae/phantom/random.js'
import {
  checkModel,
  contrastModel,
  jitterMeans,
  type IntensityModel,
} from '../../../src/sae/synth/intensities.js'
import { userError } from '../../io/support.js'

function meanOf(model: IntensityModel, table: LabelTable, name: string): number {
  const components = model[table.classes.findIndex((entry) => entry.name === name)]!
  const total = components.reduce((sum, { weight }) => sum + weight, 0)
  return components.reduce((sum, { weight, mean }) => sum + (weight * mean) / total, 0)
}

const means = (model: IntensityModel): number[] =>
  model.flatMap((components) => components.map(({ mean }) => mean))

describe('contrastModel', () => {
  it.each([
    ['the 14 classes', freeSurferTable],
    ['the phantoms', phantomTable],
  ])('knows T1 and T2 of %s', (_, table) => {
    const order = ['lateral ventricle', 'cerebral cortex', 'cerebral white matter']
    const t1 = checkModel(contrastModel('t1', table, new Random(1)), table.classes.length)
    const t2 = checkModel(contrastModel('t2', table, new Random(1)), table.classes.length)
    const [fluid1, grey1, white1] = order.map((name) => meanOf(t1, table, name))
    const [fluid2, grey2, white2] = order.map((name) => meanOf(t2, table, name))
    expect(fluid1).toBeLessThan(grey1!)
    expect(grey1).toBeLessThan(white1!)
    expect(white2).toBeLessThan(grey2!)
    expect(grey2).toBeLessThan(fluid2!)
    expect(contrastModel('t1', table, new Random(2))).toEqual(t1)
  })

  it('random gives each region its own mean, the same on both sides', () => {
    const sides = {
      classes: [0, 3, 42, 2, 41].map((code) => ({ name: String(code), abbreviation: '', codes: [code] })),
    }
    const [background, left, right, leftWhite, rightWhite] = contrastModel('random', sides, new Random(1))
    expect(right).toEqual(left)
    expect(rightWhite).toEqual(leftWhite)
    expect(leftWhite).not.toEqual(left)
    expect(background).not.toEqual(left)
    expect(contrastModel('random', sides, new Random(2))[1]).not.toEqual(left)
  })

  it('gives classes with unknown codes random means, each its own', () => {
    const table = { classes: [0, 9001, 9002].map((code) => ({ name: '', abbreviation: '', codes: [code] })) }
    const [, a, b] = contrastModel('t1', table, new Random(1))
    expect(a).not.toEqual(b)
    expect(contrastModel('t1', table, new Random(2))[1]).not.toEqual(a)
  })

  it('gives a class of several regions a component for each', () => {
    const table = {
      classes: [
        { name: '', abbreviation: '', codes: [0] },
        { name: '', abbreviation: '', codes: [2, 41, 4] },
      ],
    }
    expect(contrastModel('t1', table, new Random(1))[1]!.map(({ mean }) => mean)).toEqual([0.42, 0.05])
  })

  it('spreads random means over 0..1', () => {
    const found = means(contrastModel('random', identityTable(64), new Random(1)))
    expect(Math.min(...found)).toBeLessThan(0.15)
    expect(Math.max(...found)).toBeGreaterThan(0.85)
  })
})

describe('jitterMeans', () => {
  it('moves the components of a class together, by no more than the share of the span', () => {
    const model = contrastModel('t1', freeSurferTable, new Random(1))
    const span = Math.max(...means(model)) - Math.min(...means(model))
    const moved = jitterMeans(model, new Random(1), 0.1)
    const apart = moved.map((components, c) => components.map(({ mean }, k) => mean - model[c]![k]!.mean))
    for (const shifts of apart) {
      for (const shift of shifts) expect(Math.abs(shift)).toBeLessThanOrEqual(0.1 * span + 1e-12)
    }
    expect(apart[13]![1]).toBeCloseTo(apart[13]![0]!, 12)
    expect(new Set(apart.map(([shift]) => shift!.toFixed(6))).size).toBeGreaterThan(10)
    expect(jitterMeans(model, new Random(1), 0)).toEqual(model)
  })

  it('keeps means in 0..1', () => {
    const model = [[{ weight: 1, mean: 0, deviation: 0 }], [{ weight: 1, mean: 1, deviation: 0 }]]
    for (let seed = 1; seed <= 20; seed++) checkModel(jitterMeans(model, new Random(seed), 0.5), 2)
  })
})

describe('checkModel', () => {
  const good = { weight: 1, mean: 0.5, deviation: 0.1 }
  it.each([
    [[[good]], 'of 1 classes, but the labels have 2'],
    [[[good], []], 'class 1 has no component'],
    [[[good], [{ ...good, weight: 0 }]], 'class 1 has a component of weight 0'],
    [[[{ ...good, mean: 1.5 }], [good]], 'class 0 has a component of weight 1, mean 1.5'],
    [[[good], [{ ...good, deviation: NaN }]], 'deviation NaN'],
  ])('refuses %j', (model, message) => {
    expect(userError(() => checkModel(model, 2, 'em.json'))).toMatch(/^em\.json: /)
    expect(userError(() => checkModel(model, 2, 'em.json'))).toContain(message)
  })
})
