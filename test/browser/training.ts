/** A small training run, the same everywhere. Isomorphic. */
import { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { createModel, defaultTraining, priorFromLabels, Trainer } from '../../src/sae/index.js'
import { mulberry32 } from '../reference/nd-array.js'

/** What a run of training found. */
export interface TrainingResult {
  /** Of every step: loss, reconstruction, KL, MRF. */
  readonly losses: readonly (readonly number[])[]
  /** All weights after the last step, by their names. */
  readonly weights: Readonly<Record<string, readonly number[]>>
}

const shape: [number, number, number] = [9, 12, 11]
const classes = 4

/** Trains on two scans of 4 classes for two epochs. */
export async function train(gpu: Gpu): Promise<TrainingResult> {
  const random = mulberry32(3)
  const voxels = shape[0] * shape[1] * shape[2]
  // Slabs of classes, each of a grey level of its own.
  const labels = Uint8Array.from({ length: voxels }, (_, i) => Math.floor((i * classes) / voxels))
  const scan = () => Float32Array.from(labels, (label) => (label + 0.5 * random()) / classes)
  const scans = [
    { name: 'a', data: scan() },
    { name: 'b', data: scan() },
  ]
  const prior = { data: priorFromLabels(labels, shape, classes, { floor: 1e-4 }), classes, shape }
  const model = createModel({ classes, widths: [4, 8, 8], instanceNorm: false }, 1)
  const variables = new Variables(gpu)
  const trainer = new Trainer(gpu, model, variables, prior, { ...defaultTraining, epochs: 2, seed: 5 })
  try {
    const losses: number[][] = []
    for await (const step of trainer.train(scans)) {
      losses.push([step.loss, step.reconstructionLoss, step.klLoss, step.mrfLoss])
    }
    const weights: Record<string, number[]> = {}
    for (const parameter of model.parameters) {
      weights[parameter.name] = [...(await variables.read(parameter))]
    }
    return { losses, weights }
  } finally {
    trainer.dispose()
    variables.dispose()
  }
}
