import { expect, it } from 'vitest'
import { assess } from '../../../../src/sae/assessment/assessment.js'
import { summarisePrior } from '../../../../src/sae/assessment/prior-summary.js'
import { SampledEm } from '../../../../src/sae/assessment/sampled-em.js'
import { everyNth } from '../../../../src/sae/assessment/sampling.js'
import { ExpectationMaximisation } from '../../../../src/sae/mixture/em.js'
import { makePhantom, phantomTable } from '../../../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../../../src/sae/prior/prior-from-labels.js'
import { sampledShape } from '../../../../src/sae/separable-filter.js'
import { useGpu } from '../../../gpu.js'

const device = useGpu()
const K = phantomTable.classes.length

function makeCase(shape: readonly [number, number, number]) {
  const { subjects, unpaired } = makePhantom({ shape, subjects: 1 })
  const data = priorFromLabels(unpaired.labels, shape, K, { sigma: 1 })
  return { ...subjects[0]!, prior: { data, classes: K, shape } }
}

it('is EM itself if the volume is small', async () => {
  const { scan, prior } = makeCase([20, 17, 23])
  const sampled = await SampledEm.create(device.gpu, prior)
  const whole = await ExpectationMaximisation.create(device.gpu, prior)
  expect(await sampled.run(scan)).toEqual({ classes: (await whole.run(scan)).classes, every: 1 })
  sampled.dispose()
  whole.dispose()
})

it('is EM of every other voxel if it is larger, and is compared with those', async () => {
  const { scan, labels, prior } = makeCase([66, 71, 64])
  const small = {
    data: everyNth(prior.data, prior.shape, 2),
    classes: K,
    shape: sampledShape(prior.shape, 2),
  }
  expect(small.shape).toEqual([33, 36, 32])
  const sampled = await SampledEm.create(device.gpu, prior)
  const em = await sampled.run(scan)
  sampled.dispose()
  const method = await ExpectationMaximisation.create(device.gpu, small)
  const { classes } = await method.run(everyNth(scan, prior.shape, 2))
  method.dispose()
  expect(em).toEqual({ classes, every: 2 })

  const { withEm, emWithTruth } = assess(summarisePrior(prior, phantomTable), {
    scan,
    classes: labels,
    truth: labels,
    em,
  })
  expect(withEm).toEqual(emWithTruth)
  expect(emWithTruth!.mean).toBeGreaterThan(0.6)
})
