import { describe, expect, it } from 'vitest'
import { Variables } from '../../../../src/plan/variables.js'
import type { TrainingScan } from '../../../../src/sae/training/batches.js'
import { checkpointInfo, saveCheckpoint } from '../../../../src/sae/checkpoint.js'
import { createModel, loadTensors, type NamedTensor } from '../../../../src/sae/model.js'
import { phantomTable } from '../../../../src/sae/phantom/phantom.js'
import { defaultTraining, type TrainingSettings } from '../../../../src/sae/settings.js'
import { Trainer, type TrainingStep } from '../../../../src/sae/training/trainer.js'
import { useGpu } from '../../../gpu.js'
import { architecture, prior, scans } from '../small-study.js'

const device = useGpu()

interface Run {
  readonly scans?: readonly TrainingScan[]
  readonly memoryLimit?: number
  /** The step after which the signal comes. */
  readonly stopAt?: number
  readonly ahead?: boolean
}

/** The same scans without references: nothing is read back but losses, so that steps overlap. */
const bare: TrainingScan[] = scans.map(({ name, data }) => ({ name, data }))

/** Trains from scratch (or from a checkpoint) and returns every step and the state at the end. */
async function train(
  settings: Partial<TrainingSettings>,
  { scans: given = scans, memoryLimit, stopAt = Infinity, ahead = false }: Run = {},
  from?: { tensors: ReadonlyMap<string, NamedTensor> },
  info?: ReturnType<typeof checkpointInfo>,
) {
  const model = createModel(architecture, 1)
  const variables = new Variables(device.gpu)
  const complete = { ...defaultTraining, sigma: 'fixed' as const, ...settings }
  const trainer = new Trainer(device.gpu, model, variables, prior, complete, info?.training?.progress, {
    memoryLimit,
  })
  if (from) {
    const { state } = trainer.optimiser
    loadTensors(variables, [...model.parameters, ...state], from.tensors, 'checkpoint')
  }
  const steps: TrainingStep[] = []
  const stop = new AbortController()
  for await (const step of trainer.train(given, { ahead, signal: stop.signal })) {
    steps.push(step)
    if (step.step === stopAt) stop.abort()
  }
  const checkpoint = await saveCheckpoint(
    variables,
    model.parameters,
    {
      architecture,
      table: phantomTable,
      intensities: 'robust',
      training: { settings: complete, progress: trainer.progress },
    },
    trainer.optimiser,
  )
  trainer.dispose()
  variables.dispose()
  return { steps, checkpoint }
}

const losses = (steps: readonly TrainingStep[]) => steps.map(({ loss }) => loss)

describe('trainer', () => {
  it('gives the same bits twice for the same seed, and others for another', async () => {
    const first = await train({ epochs: 2 })
    const second = await train({ epochs: 2 })
    const other = await train({ epochs: 2, seed: 1 })
    expect(losses(second.steps)).toEqual(losses(first.steps))
    expect(second.checkpoint).toEqual(first.checkpoint)
    expect(losses(other.steps)).not.toEqual(losses(first.steps))
  })

  it('resumes from a checkpoint exactly as if it had not stopped', async () => {
    const whole = await train({ epochs: 4, sigma: 'estimated' })
    const half = await train({ epochs: 2, sigma: 'estimated' })
    const rest = await train(
      { epochs: 4, sigma: 'estimated' },
      {},
      half.checkpoint,
      checkpointInfo(half.checkpoint, 'half'),
    )
    expect([...losses(half.steps), ...losses(rest.steps)]).toEqual(losses(whole.steps))
    expect(rest.checkpoint.tensors).toEqual(whole.checkpoint.tensors)
  })

  it('gives the same bits when steps overlap, or scans are read when their turn comes', async () => {
    const settings = { epochs: 3, sigma: 'estimated' as const }
    const timeless = ({ steps }: { steps: TrainingStep[] }) => steps.map((step) => ({ ...step, seconds: 0 }))
    const sequential = await train(settings, { scans: bare })
    const overlapping = await train(settings, { scans: bare, ahead: true })
    expect(timeless(overlapping)).toEqual(timeless(sequential))
    expect(overlapping.checkpoint).toEqual(sequential.checkpoint)
    expect(overlapping.steps.every(({ seconds }) => seconds > 0)).toBe(true)

    const read: string[] = []
    const lazy = scans.map(({ name, data, truth }): TrainingScan => {
      const slowly = async <T>(what: string, value: T) => {
        read.push(what)
        await new Promise((resolve) => setTimeout(resolve, 5))
        return value
      }
      return { name, data: () => slowly(name, data), truth: () => slowly(`${name} truth`, truth) }
    })
    const scored = await train(settings, { ahead: true })
    const late = await train(settings, { scans: lazy, ahead: true })
    expect(timeless(late)).toEqual(timeless(scored))
    expect(late.checkpoint).toEqual(sequential.checkpoint)
    expect(read).toHaveLength(18)
  })

  it.each([1, 2, 3, 4])(
    'stopped at step %i while steps overlap, goes on as if it had not',
    async (stopAt) => {
      const settings = { epochs: 2, sigma: 'estimated' as const }
      const whole = await train(settings, { scans: bare, ahead: true })
      const begun = await train(settings, { scans: bare, ahead: true, stopAt })
      const done = begun.steps.length
      expect(done).toBeGreaterThanOrEqual(stopAt)
      expect(done).toBeLessThanOrEqual(stopAt + 1)
      expect(done % 3 === 0 || done < 6).toBe(true)
      const info = checkpointInfo(begun.checkpoint, 'begun')
      expect(info.training!.progress.step).toBe(done)
      const rest = await train(settings, { scans: bare, ahead: true }, begun.checkpoint, info)
      expect([...losses(begun.steps), ...losses(rest.steps)]).toEqual(losses(whole.steps))
      expect(rest.checkpoint.tensors).toEqual(whole.checkpoint.tensors)
    },
  )

  it('counts the step in flight if the loop is left', async () => {
    const model = createModel(architecture, 1)
    const variables = new Variables(device.gpu)
    const trainer = new Trainer(device.gpu, model, variables, prior, { ...defaultTraining, epochs: 2 })
    for await (const step of trainer.train(bare, { ahead: true })) {
      expect(trainer.progress.step).toBe(step.step)
      break
    }
    expect(trainer.progress).toMatchObject({ epoch: 0, step: 2 })
    expect(trainer.progress.errors).toHaveLength(2)
    trainer.dispose()
    variables.dispose()
  })

  it('says in one line that it diverged, overlapping or not', async () => {
    for (const ahead of [false, true]) {
      const model = createModel(architecture, 1)
      const variables = new Variables(device.gpu)
      const settings = { ...defaultTraining, epochs: 9, learningRate: 1e30 }
      const trainer = new Trainer(device.gpu, model, variables, prior, settings)
      const run = async () => {
        for await (const { loss } of trainer.train(bare, { ahead })) expect(loss).toBeTypeOf('number')
      }
      await expect(run()).rejects.toThrow(
        /^training diverged at step 2: the divergence is NaN; try a smaller/,
      )
      trainer.dispose()
      variables.dispose()
    }
  })

  it('keeps a limit with batches of two sizes, to the same bits', async () => {
    const settings = { epochs: 2, batchSize: 2 }
    const need = async (memoryLimit?: number) => {
      const variables = new Variables(device.gpu)
      const complete = { ...defaultTraining, ...settings }
      const trainer = new Trainer(
        device.gpu,
        createModel(architecture, 1),
        variables,
        prior,
        complete,
        undefined,
        { memoryLimit },
      )
      const preparation = await trainer.prepare(scans)
      trainer.dispose()
      variables.dispose()
      return preparation
    }
    const both = await need()
    expect(both).toMatchObject({ slabs: 1, slabPlanes: undefined })
    const limit = (await need(1e9)).bytes
    expect(limit).toBeLessThan(both.bytes)
    const free = await train(settings, { ahead: true })
    device.gpu.buffers.resetPeak()
    const before = device.gpu.buffers.bytes
    const limited = await train(settings, { ahead: true, memoryLimit: limit })
    expect(device.gpu.buffers.peakBytes - before).toBeLessThanOrEqual(limit)
    expect(losses(limited.steps)).toEqual(losses(free.steps))
    expect(limited.checkpoint).toEqual(free.checkpoint)
    await expect(need(1e5)).rejects.toThrow(/at least [\d.]+ MB of device memory is needed/)
  })

  it('refuses scans that leave no step of its epoch, instead of waiting for one for ever', async () => {
    const variables = new Variables(device.gpu)
    const model = createModel(architecture, 1)
    const settings = { ...defaultTraining, epochs: 1 }
    const stopped = { epoch: 0, step: 2, variance: 1e8, errors: [0.1, 0.1] }
    const takenUp = new Trainer(device.gpu, model, variables, prior, settings, stopped)
    await expect(takenUp.train(bare.slice(0, 1)).next()).rejects.toThrow(
      '1 scans leave no step of epoch 1, of which 2 are done: give the scans that it began with',
    )
    const begun = new Trainer(device.gpu, model, variables, prior, settings)
    await expect(begun.train([]).next()).rejects.toThrow('0 scans leave no step of epoch 1')
    // A run that is done has nothing to take from them.
    const done = { epoch: 1, step: 3, variance: 1e8, errors: [] }
    const ended = new Trainer(device.gpu, model, variables, prior, settings, done)
    expect(await ended.train([]).next()).toMatchObject({ done: true })
    variables.dispose()
  })

  it('lowers its loss', async () => {
    const { steps } = await train({ epochs: 12, learningRate: 5e-3 })
    const mean = (epoch: number) => {
      const of = steps.filter((step) => step.epoch === epoch)
      return of.reduce((sum, { loss }) => sum + loss, 0) / of.length
    }
    expect(mean(12)).toBeLessThan(0.8 * mean(1))
  })

  it('takes a batch: its losses are the means of those of its scans alone', async () => {
    const batch = await train({ epochs: 1, batchSize: 3, beta: 0 })
    expect(batch.steps).toHaveLength(1)
    // KL does not depend on the noise, so the first step of each scan alone must average to the batch's.
    const alone = await Promise.all([0, 1, 2].map(async (i) => firstKl(scans[i]!)))
    const mean = alone.reduce((sum, kl) => sum + kl, 0) / 3
    expect(Math.abs(batch.steps[0]!.klLoss / mean - 1)).toBeLessThan(1e-5)
  })

  it('makes a smaller last batch if the scans do not divide evenly', async () => {
    const { steps } = await train({ epochs: 2, batchSize: 2 })
    expect(steps.map(({ epoch, lastOfEpoch }) => [epoch, lastOfEpoch])).toEqual([
      [1, false],
      [1, true],
      [2, false],
      [2, true],
    ])
  })

  it('follows the variance rule of docs/equations.md', async () => {
    const { steps } = await train({ epochs: 3, sigma: 'estimated' })
    const mse = (epoch: number) =>
      steps.filter((step) => step.epoch === epoch).map((step) => step.meanSquaredError)
    const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length
    const variance = (epoch: number) => steps.find((step) => step.epoch === epoch)!.sigma! ** 2
    expect(variance(1)).toBeCloseTo(1e8)
    expect(variance(2)).toBeCloseTo(mean(mse(1)), 12)
    expect(variance(3)).toBeCloseTo(mean([...mse(2), variance(2)]), 12)
  })

  it('refuses settings out of range', () => {
    const bad: Partial<TrainingSettings>[] = [
      { neighbourhood: 4 },
      { beta: -1 },
      { temperature: 0 },
      { epochs: 1.5 },
    ]
    for (const settings of bad) {
      const variables = new Variables(device.gpu)
      const model = createModel(architecture)
      expect(
        () => new Trainer(device.gpu, model, variables, prior, { ...defaultTraining, ...settings }),
        JSON.stringify(settings),
      ).toThrow(/must be/)
    }
  })

  async function firstKl(scan: TrainingScan): Promise<number> {
    const variables = new Variables(device.gpu)
    const trainer = new Trainer(device.gpu, createModel(architecture, 1), variables, prior, {
      ...defaultTraining,
      epochs: 1,
      beta: 0,
    })
    for await (const step of trainer.train([scan])) {
      trainer.dispose()
      variables.dispose()
      return step.klLoss
    }
    throw new Error('no step')
  }
})
