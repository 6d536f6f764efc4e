/** Training on scans of two channels. */
import { expect, it } from 'vitest'
import { input } from '../../../src/graph/value.js'
import { compile } from '../../../src/plan/compile.js'
import { Variables } from '../../../src/plan/variables.js'
import { joinChannels } from '../../../src/sae/channels.js'
import { checkpointInfo, saveCheckpoint } from '../../../src/sae/checkpoint.js'
import { createModel, forChannels, loadTensors } from '../../../src/sae/model.js'
import { saeObjective } from '../../../src/sae/training/objective.js'
import { profiledLoss } from '../../../src/sae/training/selection.js'
import { Segmenter } from '../../../src/sae/segmenter.js'
import { defaultTraining } from '../../../src/sae/settings.js'
import { Trainer, type TrainingStep } from '../../../src/sae/training/trainer.js'
import { useGpu } from '../../gpu.js'
import { architecture, prior, scans } from './small-study.js'

const device = useGpu()

const both = forChannels(architecture, 2)
/** The second channel is a darker picture with the contrast turned round. */
const pairs = scans.map(({ name, data }) => ({
  name,
  data: joinChannels([data, data.map((value) => (value > 0 ? 0.6 - 0.5 * value : 0))]),
}))
const voxels = prior.shape[0] * prior.shape[1] * prior.shape[2]

it('adds up the squared error of each channel, times a weight of its own', async () => {
  const model = createModel(both, 3)
  const variables = new Variables(device.gpu)
  const scan = input('scan', [1, 2, ...prior.shape])
  const counter = input('counter', [2], { dtype: 'u32' })
  const objective = saeObjective(model, scan, counter, { beta: 0, neighbourhood: 3, temperature: 2 / 3 })
  const { reconstruction, squaredError, klLoss, loss, reconstructionWeight } = objective
  const plan = await compile(device.gpu, {
    outputs: [reconstruction],
    report: [squaredError, klLoss, loss],
    variables,
  })
  plan.write(scan, pairs[0]!.data)
  plan.write(objective.prior, prior.data)
  plan.write(counter, Uint32Array.of(1, 1))
  plan.write(reconstructionWeight, Float32Array.of(3, 0.25))
  const [errors, kl, total] = await plan.run()
  const image = await plan.read(reconstruction)
  const expected = [0, 1].map((c) => {
    let sum = 0
    for (let i = c * voxels; i < (c + 1) * voxels; i++) sum += (image[i]! - pairs[0]!.data[i]!) ** 2
    return sum
  })
  expect(errors).toHaveLength(2)
  for (const c of [0, 1]) expect(errors![c]! / expected[c]!).toBeCloseTo(1, 5)
  expect(total![0]! / (3 * expected[0]! + 0.25 * expected[1]! + kl![0]!)).toBeCloseTo(1, 5)
  plan.dispose()
  variables.dispose()
})

/** Trains for some epochs and returns the steps and the state. */
async function train(epochs: number, from?: Awaited<ReturnType<typeof saveCheckpoint>>) {
  const settings = { ...defaultTraining, epochs, sigma: 'continuous' as const, batchSize: 2 }
  const info = from && checkpointInfo(from, 'saved')
  const model = createModel(info?.architecture ?? both, 1)
  const variables = new Variables(device.gpu)
  const trainer = new Trainer(device.gpu, model, variables, prior, settings, info?.training?.progress)
  if (from) loadTensors(variables, [...model.parameters, ...trainer.optimiser.state], from.tensors, 'saved')
  const steps: TrainingStep[] = []
  for await (const step of trainer.train(pairs)) steps.push(step)
  const training = { settings, progress: trainer.progress }
  const about = {
    architecture: model.architecture,
    table: undefined,
    intensities: 'robust' as const,
    training,
  }
  const checkpoint = await saveCheckpoint(variables, model.parameters, about, trainer.optimiser)
  const segmenter = await Segmenter.create(device.gpu, model, variables, prior, { reconstruction: true })
  const { reconstruction } = await segmenter.segment(pairs[0]!.data)
  segmenter.dispose()
  trainer.dispose()
  variables.dispose()
  return { steps, checkpoint, reconstruction: reconstruction! }
}

it('estimates the noise of each channel, resumes with both, and reconstructs both', async () => {
  const whole = await train(3)
  const half = await train(1)
  const rest = await train(3, half.checkpoint)
  const losses = (run: typeof whole) => run.steps.map(({ loss }) => loss)
  expect([...losses(half), ...losses(rest)]).toEqual(losses(whole))
  expect(rest.checkpoint.tensors).toEqual(whole.checkpoint.tensors)
  expect(checkpointInfo(whole.checkpoint, 'whole').architecture.channels).toBe(2)

  const last = whole.steps.at(-1)!
  const errors = [last, ...last.otherChannels]
  expect(errors).toHaveLength(2)
  expect(errors[1]!.sigma).not.toBeCloseTo(errors[0]!.sigma!, 3)
  const weighted = errors.map(
    ({ weight, meanSquaredError, sigma }) =>
      voxels * (weight * meanSquaredError + 0.5 * Math.log(sigma! ** 2 + 1e-12)),
  )
  expect(last.reconstructionLoss / (weighted[0]! + weighted[1]!)).toBeCloseTo(1, 6)
  const single = (meanSquaredError: number) =>
    profiledLoss({ meanSquaredError, klLoss: 0, mrfLoss: 0 }, voxels)
  expect(profiledLoss({ ...last, klLoss: 0, mrfLoss: 0 }, voxels)).toBeCloseTo(
    single(errors[0]!.meanSquaredError) + single(errors[1]!.meanSquaredError),
    6,
  )
  expect(whole.reconstruction).toHaveLength(2 * voxels)
  expect(whole.reconstruction.subarray(voxels)).not.toEqual(whole.reconstruction.subarray(0, voxels))
})
