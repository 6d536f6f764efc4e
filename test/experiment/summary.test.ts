import { describe, expect, it } from 'vitest'
import { renderReport } from '../../tools/experiment/report.js'
import type { Cell, Results } from '../../tools/experiment/results.js'
import { select } from '../../tools/experiment/selection.js'
import type { Study } from '../../tools/experiment/study.js'
import { compare, summarise } from '../../tools/experiment/summary.js'

function cell(place: Pick<Cell, 'cohort' | 'prior' | 'method' | 'seed'>, dice: number[], more = {}): Cell {
  const subjects = dice.map((value, i) => ({ name: `s${i}`, dice: [0.99, value, value - 0.2] }))
  return { ...place, digest: '', finished: '', commit: 'abc', seconds: 10, subjects, ...more }
}

const results: Results = {
  study: 'example',
  classes: ['bg', 'ctx', 'wm'],
  foreground: [1, 2],
  voxels: { a: 100, b: 100 },
  machine: { adapter: 'some adapter', processor: 'some processor', node: 'v20' },
  cells: [
    cell({ cohort: 'a', method: 'supervised', seed: 1 }, [0.95, 0.95]),
    cell({ cohort: 'a', prior: 'one', method: 'sae', seed: 1 }, [0.5, 0.7]),
    cell({ cohort: 'a', prior: 'one', method: 'sae', seed: 2 }, [0.6, 0.8]),
    cell({ cohort: 'b', prior: 'one', method: 'sae', seed: 1 }, [0.9]),
    cell({ cohort: 'b', prior: 'one', method: 'sae', seed: 2 }, [0.9]),
    cell({ cohort: 'a', prior: 'one', method: 'bad', seed: 1 }, [], {
      failure: 'training diverged at step 3',
    }),
  ],
}

describe('summarise', () => {
  it('averages over seeds first, pools cohorts and puts methods without a prior last', () => {
    const [sae, supervised, ...others] = summarise(results, true)
    expect(others).toEqual([])
    expect(supervised!.prior).toBeUndefined()
    // Class means are dice and dice - .2: subjects .45, .65 and .8, each averaged over seeds.
    expect([...sae!.subjects.values()].map((value) => Number(value.toFixed(9)))).toEqual([0.45, 0.65, 0.8])
    expect(sae!.mean).toBeCloseTo(1.9 / 3, 9)
    expect(sae!.overSubjects).toBeCloseTo(Math.sqrt((0.18333 ** 2 + 0.01667 ** 2 + 0.16667 ** 2) / 2), 4)
    // Seeds: (.4 + .6 + .8) / 3 and (.5 + .7 + .8) / 3.
    expect(sae!.overSeeds).toBeCloseTo(0.2 / 3 / Math.SQRT2, 9)
    expect(sae!.seconds).toBe(20)
    expect(supervised!.overSeeds).toBeNaN()
  })

  it('keeps cohorts apart if they are not pooled', () => {
    expect(summarise(results, false).map(({ group, method }) => `${group} ${method}`)).toEqual([
      'a sae',
      'b sae',
      'a supervised',
    ])
  })
})

describe('compare', () => {
  it('pairs subjects that both have, with each prior', () => {
    const [pair, ...others] = compare(summarise(results, true), [['supervised', 'sae']])
    expect(others).toEqual([])
    expect(pair).toMatchObject({ a: 'supervised', b: 'sae@one', subjects: 2, better: 2 })
    expect(pair!.difference).toBeCloseTo(0.3, 9)
    expect(pair!.p).toBeNaN()
  })
})

describe('renderReport', () => {
  it('says what failed, the worst class and the spread', () => {
    const study = {
      title: 'Example',
      question: 'Why?',
      seeds: [1, 2],
      cohorts: { a: { subjects: ['s0', 's1'] } },
    }
    const summaries = summarise(results, true)
    const report = renderReport(study as unknown as Study, results, summaries, [], ['example.svg'])
    expect(report).toContain('| one | sae | .633 |')
    expect(report).toContain('wm .533')
    expect(report).toContain('- a, one, bad, seed 1: training diverged at step 3')
    expect(report).toContain('![Example](example.svg)')
    expect(report).not.toContain('NaN')
  })
})

describe('select', () => {
  const entry = (epoch: number, loss: number, mse: number, dice: number, agreement: number) => ({
    epoch,
    step: epoch,
    losses: { loss, kl: 10, mrf: 1, meanSquaredError: mse, weight: 1 },
    dice,
    agreement,
  })
  const log = [
    { epoch: 0, step: 0, dice: 0.9, agreement: 0.9 },
    entry(1, 3, 0.03, 0.6, 0.5),
    entry(2, 1, 0.02, 0.5, 0.6),
    entry(3, 2, 0.01, 0.7, 0.4),
  ]

  it('picks the epoch with the least value and measures its regret, epoch 0 left out', () => {
    const place = { cohort: 'a', prior: 'one', method: 'sae', seed: 1 }
    const picked = select({ ...results, cells: [cell(place, [0.5], { log })] })
    const regret = Object.fromEntries(
      picked.map(({ criterion, regret }) => [criterion, Number(regret.toFixed(9))]),
    )
    expect(regret).toEqual({
      'last epoch': 0,
      'lowest loss as trained': 0.2,
      'lowest N/2 log(mse) + KL + MRF': 0,
      'lowest mse': 0,
      'best agreement with EM': 0.2,
    })
  })
})
