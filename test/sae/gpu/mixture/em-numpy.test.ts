/** Expectation maximisation beside NumPy's, as a student writes it: one Gaussian a class, no MRF, no bias field. */
import { execFileSync, spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { ExpectationMaximisation } from '../../../../src/sae/mixture/em.js'
import { makePhantom, phantomTable } from '../../../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../../../src/sae/prior/prior-from-labels.js'
import { useGpu } from '../../../gpu.js'
import { maxAbsError } from '../../../reference/nd-array.js'

const script = `
import json, sys
import numpy as np
study = json.load(sys.stdin)
x = np.array(study["scan"])
p = np.array(study["prior"]).reshape(study["classes"], -1)
p = np.where(p < 1e-8, 0, p)
p /= p.sum(0)
floor = study["floor"] * x.var()
q = p
for _ in range(study["iterations"]):
    mass = q.sum(1)
    mean = q @ x / mass
    variance = np.maximum((q * (x - mean[:, None]) ** 2).sum(1) / mass, floor)
    density = np.exp(-(x - mean[:, None]) ** 2 / (2 * variance[:, None])) / np.sqrt(2 * np.pi * variance[:, None])
    joint = p * density
    q = joint / joint.sum(0)
json.dump({"mean": mean.tolist(), "posterior": q.ravel().tolist(), "log": float(np.log(joint.sum(0)).mean())}, sys.stdout)
`

const missing = spawnSync('python3', ['-c', 'import numpy']).status !== 0
if (missing) console.warn('SKIPPED: no python3 with NumPy to compare expectation maximisation with')

const device = useGpu()

it.skipIf(missing)("expectation maximisation is NumPy's", async () => {
  const shape = [17, 18, 16] as const
  const classes = phantomTable.classes.length
  const { subjects, unpaired } = makePhantom({ seed: 4, shape, subjects: 1 })
  const { scan } = subjects[0]!
  const prior = priorFromLabels(unpaired.labels, shape, classes, { sigma: 1 })
  const settings = { iterations: 8, varianceFloor: 0.02 }
  const study = { scan: [...scan], prior: [...prior], classes, iterations: 8, floor: 0.02 }
  const expected = JSON.parse(
    execFileSync('python3', ['-c', script], { input: JSON.stringify(study), maxBuffer: 2 ** 26 }).toString(),
  ) as { mean: number[]; posterior: number[]; log: number }

  const em = await ExpectationMaximisation.create(
    device.gpu,
    { data: prior, classes, shape },
    { ...settings, components: 1, beta: 0, bias: 0, tolerance: 0 },
  )
  const actual = await em.run(scan)
  em.dispose()
  expect(maxAbsError(actual.posterior, expected.posterior)).toBeLessThan(1e-3)
  const means = actual.mixture.map(([component]) => component!.mean[0]!)
  expect(maxAbsError(means, expected.mean)).toBeLessThan(1e-4)
  expect(actual.logLikelihoods.at(-1)).toBeCloseTo(expected.log, 4)
})
