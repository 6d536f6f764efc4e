import { input, type Value } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import { UserError } from '../../src/errors.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { add, argmax, crossEntropy, softDice, softmax } from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { Learner, type LearningGraph, type Lesson, type StepRecord } from '../../src/sae/training/learner.js'
import { scheduledRate } from '../../src/sae/training/learning-rate.js'
import { channelsOf, createModel, forChannels, type Model } from '../../src/sae/model.js'
import { epochsOf, recipes } from '../../src/sae/recipes.js'
import type { SpatialShape } from '../../src/sae/shape.js'
import { channelsOfScan, type Subject } from './anatomies.js'
import { segmentAll, type Learnt, type OnStep } from './learn.js'
import type { SupervisedMethod } from './study.js'

/**
 * The upper bound: the encoder of the default recipe, without a prior, trained with cross-entropy and soft Dice against
 * the truth of other subjects, one scan per step.
 *
 * @returns its results on `scans`, which it has not seen
 */
export async function runSupervised(
  gpu: Gpu,
  { steps, learningRate = 0.01 }: SupervisedMethod,
  training: readonly Subject[],
  scans: readonly Subject[],
  { shape, classes }: { readonly shape: SpatialShape; readonly classes: number },
  seed: number,
  onStep?: OnStep,
): Promise<Learnt> {
  const start = performance.now()
  const architecture = forChannels(recipes.default.architecture(classes), channelsOfScan(training[0]!))
  const model = createModel({ ...architecture, priorLogits: false }, seed)
  const variables = new Variables(gpu)
  const epochs = epochsOf(steps, training.length, 1)
  const total = epochs * training.length
  const rate = { learningRate, warmUp: 10, decay: 0.5 }
  const optimiser = new Adam(model.encoder.parameters, {
    learningRate: (step) => scheduledRate(rate, step, total),
  })
  const truths = new Map(training.map(({ name, truth }) => [name, Uint32Array.from(truth)]))
  const lesson = supervisedLesson(model, variables, optimiser, shape, truths)
  const learner = new Learner(gpu, lesson, { epochs, batchSize: 1, seed }, { classes, shape }, {})
  // Without their truth: the learner would score scans that have one, and wait for their segmentations.
  const unscored = training.map(({ name, data }) => ({ name, data }))
  try {
    for await (const { step } of learner.train(unscored, { ahead: true })) onStep?.('supervised', step, total)
    const voxels = shape[0] * shape[1] * shape[2]
    const anything = { data: new Float32Array(classes * voxels).fill(1 / classes), classes, shape }
    const { segmentations } = await segmentAll(gpu, { model, variables, prior: anything, scans })
    return { segmentations, log: [], seconds: (performance.now() - start) / 1000 }
  } finally {
    learner.dispose()
    variables.dispose()
  }
}

interface SupervisedGraph extends LearningGraph {
  /** u32 [1, 1, D, H, W] */
  readonly truth: Value
}

/** @param truths by the name of the scan */
function supervisedLesson(
  { encoder, architecture }: Model,
  variables: Variables,
  optimiser: Adam,
  shape: SpatialShape,
  truths: ReadonlyMap<string, Uint32Array>,
): Lesson<SupervisedGraph, StepRecord> {
  return {
    build(batch) {
      const scan = input('scan', [batch, channelsOf(architecture), ...shape])
      const truth = input('truth', [batch, 1, ...shape], { dtype: 'u32' })
      const logits = encoder(scan)
      const loss = add(crossEntropy(logits, truth), softDice(softmax(logits), truth))
      const segmentation = argmax(logits)
      const effects = optimiser.minimise(loss)
      const options = { outputs: [segmentation], report: [loss], effects, variables }
      return { options, constants: [], graph: { scan, truth, segmentation } }
    },
    inputs: ({ truth }, { batch, step }) => [
      [truth, truths.get(batch[0]!.name)!],
      [optimiser.schedule, optimiser.scheduleAt(step)],
    ],
    finish(record, [loss]) {
      if (!Number.isFinite(loss![0]))
        throw new UserError(`supervised training diverged at step ${record.step}`)
      return record
    },
  }
}
