import { expect, it } from 'vitest'
import { Variables } from '../../../../src/plan/variables.js'
import { fitDecoder, type DecoderFitOptions } from '../../../../src/sae/training/fit-decoder.js'
import { createModel } from '../../../../src/sae/model.js'
import { defaultTraining } from '../../../../src/sae/settings.js'
import { useGpu } from '../../../gpu.js'
import { architecture, prior, scans } from '../small-study.js'

const device = useGpu()

async function fit(decoderSteps: number | undefined, options: DecoderFitOptions = {}) {
  const variables = new Variables(device.gpu)
  const model = createModel(architecture, 1)
  const settings = { ...defaultTraining, ...(decoderSteps === undefined ? {} : { decoderSteps }) }
  const noise = await fitDecoder(device.gpu, model, variables, prior, settings, scans, options)
  variables.dispose()
  return noise
}

it('estimates the noise from the errors of the last steps', async () => {
  const errors: number[] = []
  const noise = await fit(12, { onStep: ({ meanSquaredError }) => errors.push(meanSquaredError) })
  expect(errors).toHaveLength(12)
  expect(noise.variance).toBeCloseTo(
    errors.slice(-10).reduce((sum, error) => sum + error / 10, 0),
    12,
  )
})

it('without a step, knows as little of the noise as a new run', async () => {
  const unknown = { variance: 1e8, errors: [] }
  expect(await fit(undefined)).toEqual(unknown)
  expect(await fit(9, { signal: AbortSignal.abort() })).toEqual(unknown)
})
