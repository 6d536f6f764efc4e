import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { subsample } from '../../../src/cli/grids/subsample.js'
import { readVolume } from '../../../src/io/files.js'
import { assess, type Assessment } from '../../../src/sae/assessment/assessment.js'
import { summarisePrior } from '../../../src/sae/assessment/prior-summary.js'
import type { Grade } from '../../../src/sae/assessment/rules.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { Prior } from '../../../src/sae/prior/prior.js'
import { flipPrior, flood, rename, shiftPrior, shuffle } from './made-failures.js'
import { simpleEm } from './simple-em.js'

const data = process.env.SAE_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const missing = !existsSync(`${data}/vols/OASIS_0009.npz`)
if (missing) console.warn(`SKIPPED: no real data in ${data}; set SAE_DATA to the folder that holds it`)

const K = freeSurferTable.classes.length
const blurs = [0.5, 1.5] as const

/** Every fourth voxel of OASIS_0009, with the labels of OASIS_0223 as prior. Prints the table of docs/assessment.md. */
describe.skipIf(missing).each(blurs)('the public scan, prior blurred by %d voxels', (sigma) => {
  let scan: Float32Array
  let truth: Uint8Array
  let prior: Prior
  let em: ReturnType<typeof simpleEm>
  const rows: string[] = []

  beforeAll(async () => {
    const read = async (name: string) => subsample(await readVolume(`${data}/${name}`), 4)
    const [volume, own, other] = [
      await read('vols/OASIS_0009.npz'),
      await read('labels/OASIS_0009.npz'),
      await read('labels/OASIS_0223.npz'),
    ]
    const { shape } = volume.grid
    scan = volume.data
    truth = toClasses(own.data, freeSurferTable)
    const classes = toClasses(other.data, freeSurferTable)
    prior = { data: priorFromLabels(classes, shape, K, { sigma, floor: 1e-4 }), classes: K, shape }
    em = simpleEm(scan, prior)
  })
  afterAll(() => {
    console.log([`blur ${sigma}`, header, ...rows].join('\n'))
  })

  const grade = (name: string, classes: Uint8Array, posterior?: Float32Array, of = prior): Grade => {
    const assessment = assess(summarisePrior(of, freeSurferTable), { scan, classes, posterior, truth })
    rows.push(row(name, assessment))
    return assessment.verdict.grade
  }

  it('grades what is right about the scan as sound', () => {
    expect(grade('truth', truth)).toBe('sound')
    expect(grade('EM', em.classes, em.posterior)).toBe('sound')
    const near = shiftPrior(prior, 1, 1)
    const { classes, posterior } = simpleEm(scan, near)
    expect(grade('EM, prior 4 mm away', classes, posterior, near)).toBe('sound')
  })

  it('grades the argmax of the prior as doubtful', () => {
    expect(grade("prior's argmax", summarisePrior(prior, freeSurferTable).argmax, prior.data)).toBe(
      'doubtful',
    )
  })

  it('grades made failures as collapsed', () => {
    expect(grade('all background', new Uint8Array(scan.length))).toBe('collapsed')
    expect(grade('all cortex', new Uint8Array(scan.length).fill(4))).toBe('collapsed')
    expect(grade('white matter floods', flood(em.classes, 8))).toBe('collapsed')
    expect(grade('classes renamed', rename(em.classes, K))).toBe('collapsed')
    expect(grade('voxels shuffled', shuffle(em.classes))).toBe('collapsed')
  })

  it('grades a segmentation by a misplaced prior as doubtful or collapsed', () => {
    for (const by of [4, 10]) {
      const far = shiftPrior(prior, 0, by)
      const { classes, posterior } = simpleEm(scan, far)
      const found = grade(`EM, prior ${4 * by} mm away`, classes, posterior, far)
      if (by === 4) expect(found).not.toBe('sound')
      else expect(found).toBe('collapsed')
    }
    for (const axis of [0, 1, 2] as const) {
      const mirrored = flipPrior(prior, axis)
      const { classes, posterior } = simpleEm(scan, mirrored)
      const found = grade(`EM, prior's axis ${axis} flipped`, classes, posterior, mirrored)
      // Left and right are alike, and one class.
      if (axis > 0) expect(found).toBe('collapsed')
    }
  })

  it('grades an empty scan as collapsed', () => {
    const empty = new Float32Array(scan.length)
    empty.fill(1, 1000, 1010)
    const { verdict } = assess(summarisePrior(prior, freeSurferTable), { scan: empty, classes: truth })
    expect(verdict.grade).toBe('collapsed')
  })
})

const columns = [
  'dice',
  'prior',
  'bg',
  'bg prior',
  'lost',
  'CE',
  'entropy',
  'cost',
  'of prior',
  'offset',
  'flip',
]
const header = [
  'segmentation'.padEnd(28),
  'grade'.padEnd(9),
  ...columns.map((name) => name.padStart(9)),
].join(' ')

function row(name: string, assessment: Assessment): string {
  const { withTruth, withPrior, volumes, cost, alignment, verdict } = assessment
  const cells = [
    withTruth!.mean,
    withPrior.mean,
    assessment.calledBackground,
    assessment.priorCalledBackground,
    volumes.filter(({ vanished }) => vanished).length,
    assessment.crossEntropy,
    assessment.priorEntropy,
    cost.segmentation,
    cost.priorArgmax,
    alignment.offset,
    alignment.better?.error ?? 1,
  ].map((value) => (value === undefined ? '-' : String(Number(value.toPrecision(3)))).padStart(9))
  return [name.padEnd(28), verdict.grade.padEnd(9), ...cells].join(' ')
}
