import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readDescription, studiesFolder } from '../../tools/experiment/description.js'

const folder = mkdtempSync(join(tmpdir(), 'sae-studies-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const good = {
  title: 'x',
  question: 'y',
  anatomies: { kind: 'phantoms', shape: [16, 16, 16], count: 2, seed: 1 },
  cohorts: { all: { subjects: ['phantom-1'], priors: { one: { maps: ['phantom-2'], blur: 4 } } } },
  methods: { em: { kind: 'em' } },
  seeds: [1],
}

/** With synthetic scans of two contrasts. */
const maps = {
  ...good,
  anatomies: { kind: 'maps', reference: 'r.nii', scans: { contrast: ['t1', 't2'], seed: 1 } },
}

function read(study: unknown): unknown {
  const path = join(folder, 'study.json')
  writeFileSync(path, typeof study === 'string' ? study : JSON.stringify(study))
  return readDescription(path)
}

describe('readDescription', () => {
  const names = readdirSync(studiesFolder).filter((file) => file.endsWith('.json'))

  it.each(names)('accepts studies/%s', (file) => {
    expect(readDescription(basename(file, '.json')).name).toBe(basename(file, '.json'))
  })

  it('accepts a sound description', () => {
    expect(read(good)).toEqual({ name: 'study', study: good })
  })

  it('accepts methods that see one of several contrasts', () => {
    const study = { ...maps, methods: { em: { kind: 'em', contrasts: ['t2'] } } }
    expect(read(study)).toEqual({ name: 'study', study })
  })

  it.each([
    ['{', 'not valid JSON'],
    [{ ...good, seeds: undefined }, 'lacks "seeds"'],
    [{ ...good, seeds: [] }, 'at least one seed'],
    [{ ...good, sedes: [2] }, 'has no "sedes"'],
    [{ ...good, anatomies: { kind: 'atlas' } }, 'kind must be one of phantoms, maps'],
    [{ ...good, methods: { em: { kind: 'EM' } } }, 'kind must be one of prior, em, sae'],
    [{ ...good, methods: { em: { kind: 'em', betta: 1 } } }, 'has no "betta"'],
    [{ ...good, methods: { s: { kind: 'sae', recipe: 'best' } } }, 'recipe must be one of default, paper'],
    [
      { ...good, methods: { s: { kind: 'sae', recipe: 'paper', training: { lr: 1 } } } },
      'method s, training: has no "lr"',
    ],
    [
      { ...good, methods: { u: { kind: 'supervised', scans: 1, steps: 1 } } },
      'names no anatomies in "training"',
    ],
    [{ ...good, pairs: [['em', 'sae']] }, 'pairs: no method sae'],
    [{ ...good, pairs: [['em', 'em@two']] }, 'pairs: no prior two'],
    [
      { ...good, cohorts: { all: { subjects: ['phantom-2'], priors: good.cohorts.all.priors } } },
      'cohort all: phantom-2 is a subject and in the prior one; keep them apart',
    ],
    [{ ...good, methods: { em: { kind: 'em', contrasts: ['t1'] } } }, 'the scans have none to choose from'],
    [{ ...maps, methods: { em: { kind: 'em', contrasts: ['pd'] } } }, 'no contrast "pd"; known are t1, t2'],
    [{ ...maps, methods: { em: { kind: 'em', contrasts: [] } } }, 'must be a list of at least one'],
    [{ ...maps, methods: { em: { kind: 'em', contrasts: ['t1', 't1'] } } }, 'names a contrast twice'],
    [{ ...maps, methods: { prior: { kind: 'prior', contrasts: ['t1'] } } }, 'has no "contrasts"'],
    [
      { ...maps, anatomies: { ...maps.anatomies, scans: { contrast: 'pd', seed: 1 } } },
      'anatomies: no contrast "pd"',
    ],
    [
      {
        ...maps,
        cohorts: { all: { ...good.cohorts.all, subjects: [{ scan: 'a.nii', truth: 'b.nii' }] } },
      },
      'cohort all: has a scan of its own, which is one channel; the synthetic scans have 2',
    ],
  ])('refuses %j', (study, message) => {
    expect(() => read(study)).toThrow(message)
  })

  it('names the existing studies', () => {
    expect(() => readDescription('claim')).toThrow(/no such study; studies: .*claims/)
  })
})
