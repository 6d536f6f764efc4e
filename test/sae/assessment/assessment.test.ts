import { describe, expect, it } from 'vitest'
import { assess, type AssessedScan } from '../../../src/sae/assessment/assessment.js'
import { summarisePrior } from '../../../src/sae/assessment/prior-summary.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import { flipPrior, flood, rename, shiftPrior, shuffle } from './made-failures.js'
import { simpleEm } from './simple-em.js'

const K = phantomTable.classes.length
const shape = [24, 32, 32] as const

describe.each([1, 2, 3])('assess, phantom %d', (seed) => {
  const { subjects, unpaired } = makePhantom({ shape, seed, subjects: 1 })
  const { scan, labels: truth } = subjects[0]!
  const data = priorFromLabels(unpaired.labels, shape, K, { sigma: 0.75, floor: 1e-4 })
  const prior = { data, classes: K, shape }
  const summary = summarisePrior(prior, phantomTable)
  const em = simpleEm(scan, prior)
  const verdict = (classes: Uint8Array, more: Partial<AssessedScan> = {}, of = summary) =>
    assess(of, { scan, classes, ...more }).verdict

  it('finds the truth and EM sound', () => {
    expect(verdict(truth)).toEqual({ grade: 'sound', reasons: [], advice: [] })
    expect(verdict(em.classes, { posterior: em.posterior, em: { classes: em.classes, every: 1 } })).toEqual({
      grade: 'sound',
      reasons: [],
      advice: [],
    })
  })

  it('doubts the prior itself, unless that was the aim', () => {
    const { grade, reasons } = verdict(summary.argmax)
    expect(grade).toBe('doubtful')
    expect(reasons).toEqual([expect.stringMatching(/explained no better than by the prior's argmax/)])
    expect(verdict(summary.argmax, { imitatesPrior: true, posterior: data }).grade).toBe('sound')
  })

  it('doubts a segmentation that lags far behind EM', () => {
    // The prior's argmax where it may be, EM's answer in one slice of seven.
    const lazy = summary.argmax.map((c, i) => (Math.floor(i / (32 * 32)) % 7 === 3 ? em.classes[i]! : c))
    const { grade, reasons } = verdict(lazy, { em: { classes: em.classes, every: 1 } })
    expect(grade).toBe('doubtful')
    expect(reasons.join()).toMatch(
      /the scan made little difference: in joint cost, 1?\d % of what it makes to EM/,
    )
  })

  it.each([
    ['all background', new Uint8Array(truth.length), /^100 % of the foreground is called background/],
    ['all cortex', new Uint8Array(truth.length).fill(1), /^6 of 7 classes vanished: cerebral white matter,/],
    ['one class floods', flood(em.classes, 2), /^6 of 7 classes vanished/],
    ['classes renamed', rename(em.classes, K), /hardly overlap with those of the prior's argmax/],
    ['voxels shuffled', shuffle(em.classes), /hardly overlap with those of the prior's argmax/],
  ])('calls it collapsed: %s', (_, classes, reason) => {
    const { grade, reasons, advice } = verdict(classes)
    expect(grade).toBe('collapsed')
    expect(reasons.join('\n')).toMatch(new RegExp(reason.source, 'm'))
    expect(advice).toContain('a lower learning rate')
  })

  it('calls it collapsed if the prior is misplaced, however well the result follows it', () => {
    for (const wrong of [flipPrior(prior, 1), flipPrior(prior, 2), shiftPrior(prior, 0, 4)]) {
      const { grade, advice } = verdict(
        simpleEm(scan, wrong).classes,
        {},
        summarisePrior(wrong, phantomTable),
      )
      expect(grade).toBe('collapsed')
      expect(advice).toContain('scan and prior on one grid, with axes in the same order and direction')
    }
  })

  it('doubts a segmentation that lost one class, and names it', () => {
    const { grade, reasons } = verdict(truth.map((c) => (c === 5 ? 2 : c)))
    expect(grade).toBe('doubtful')
    expect(reasons).toEqual(['1 of 7 classes vanished: putamen'])
  })

  it('blames the blur if the prior has lost its own classes', () => {
    const wide = { ...prior, data: priorFromLabels(unpaired.labels, shape, K, { sigma: 6 }) }
    const { grade, advice } = verdict(truth, {}, summarisePrior(wide, phantomTable))
    expect(grade).toBe('doubtful')
    expect(advice).toEqual(['a sharper prior (less blur) or a finer grid'])
  })

  it('calls it collapsed if the prior says nothing, whatever the segmentation', () => {
    const flat = summarisePrior({ ...prior, data: new Float32Array(data.length).fill(1 / K) }, phantomTable)
    const { grade, reasons } = verdict(truth, {}, flat)
    expect(grade).toBe('collapsed')
    expect(reasons[0]).toMatch(/^the prior is nearly the same at every voxel/)
  })

  it('says nothing else of an empty scan', () => {
    const empty = new Float32Array(scan.length)
    empty[1234] = 1
    const { grade, reasons } = assess(summary, { scan: empty, classes: summary.argmax }).verdict
    expect(grade).toBe('collapsed')
    expect(reasons).toEqual(["only 0.004 % of the scan's voxels are not empty"])
  })

  it('doubts a scan with its skull, and a decoder that does not fit', () => {
    // A shell of scalp about the head.
    const [D, H, W] = shape
    const head = scan.map((value, i) => {
      const at = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
      const radius = Math.hypot(...at.map((x, axis) => (x - [D, H, W][axis]! / 2) / [D, H, W][axis]!))
      return radius > 0.44 && radius < 0.6 ? 0.8 : value
    })
    expect(assess(summary, { scan: head, classes: truth }).verdict.advice).toContain('a skull-stripped scan')
    const { grade, advice } = verdict(truth, { reconstruction: scan.map((value) => value + 0.2) })
    expect([grade, advice]).toEqual(['doubtful', ['longer training', 'a lower learning rate']])
  })
})

describe('assess', () => {
  const { subjects, unpaired } = makePhantom({ shape, subjects: 1 })
  const { scan, labels: truth } = subjects[0]!
  const data = priorFromLabels(unpaired.labels, shape, K, { sigma: 0.75, floor: 1e-4 })
  const summary = summarisePrior({ data, classes: K, shape }, phantomTable)

  it('compares with everything it is given, and skips the rest', () => {
    const em = simpleEm(scan, summary.prior)
    const full = assess(summary, {
      scan,
      classes: truth,
      truth,
      em: { classes: em.classes, every: 1 },
      reconstruction: scan,
    })
    expect(full.withTruth!.mean).toBe(1)
    expect(full.priorWithTruth!.mean).toBe(full.withPrior.mean)
    expect(full.emWithTruth!.mean).toBe(full.withEm!.mean)
    expect(full.errors.reconstruction).toBe(0)
    expect(full.errors.classMeans).toBeLessThan(full.errors.priorClassMeans)
    expect(full.priorEntropy).toBe(summary.entropy)
    const bare = assess(summary, { scan, classes: truth })
    expect([bare.withTruth, bare.withEm, bare.errors.reconstruction]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(bare.verdict).toEqual(full.verdict)
  })

  it('refuses volumes of another size and classes that the prior lacks', () => {
    expect(() => assess(summary, { scan: scan.subarray(1), classes: truth })).toThrow(RangeError)
    expect(() => assess(summary, { scan, classes: truth.subarray(1) })).toThrow(RangeError)
    expect(() => assess(summary, { scan, classes: truth.map(() => K) })).toThrow(
      /class 8; there are 8 classes/,
    )
    expect(() => assess(summary, { scan, classes: truth, posterior: data.subarray(1) })).toThrow(RangeError)
  })
})
