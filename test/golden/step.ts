import { compile } from '../../src/plan/compile.js'
import { gradients } from '../../src/graph/gradients.js'
import { input } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { TensorFile } from '../../src/io/safetensors.js'
import { Adam } from '../../src/optim/index.js'
import { diceScores } from '../../src/sae/metrics/dice.js'
import { architectureOf, createModel, loadTensors } from '../../src/sae/model.js'
import { logMrfTable } from '../../src/sae/prior/mrf-table.js'
import { NoiseLevel } from '../../src/sae/training/noise-level.js'
import { saeObjective } from '../../src/sae/training/objective.js'
import { supportThreshold } from '../../src/ops/index.js'
import type { Configuration } from './configurations.js'
import { GoldenReport, type GoldenRow } from './report.js'

/** The tolerances of the golden folder's README. */
const tolerance = { activation: 1e-4, loss: 1e-5, gradient: 1e-3, final: 1e-3, sample: 1e-4, dice: 1e-3 }

/**
 * Runs all training steps of a golden `step_*` file on the GPU, from its initial weights, scan, prior and noise, and
 * compares every tensor in it.
 */
export async function checkStep(
  gpu: Gpu,
  { tensors, metadata }: TensorFile,
  options: Configuration['options'] = {},
): Promise<GoldenRow[]> {
  const tensor = (name: string) => {
    const found = tensors.get(name)
    if (!found) throw new Error(`the golden file has no tensor ${name}`)
    return { shape: found.shape, data: Float32Array.from(found.data as Float32Array) }
  }
  const initial = new Map(
    [...tensors.keys()]
      .filter((name) => name.startsWith('init.'))
      .map((name) => [name.slice(5), tensor(name)]),
  )
  const beta = Number(metadata.beta)
  const architecture = { ...architectureOf(initial, 'golden'), instanceNorm: false }
  const model = createModel(architecture)
  const variables = new Variables(gpu)
  loadTensors(variables, model.parameters, initial, 'golden')

  const scan = input('scan', tensor('x').shape)
  const noise = input('noise', tensor('noise.0').shape)
  const objective = saeObjective(model, scan, noise, {
    beta,
    neighbourhood: Number(metadata.k),
    temperature: Number(metadata.tau),
  })
  const grads = gradients(objective.loss, model.parameters)
  const optimiser = new Adam(model.parameters, { learningRate: Number(metadata.lr) })
  const {
    blocks,
    logits,
    posterior,
    sample,
    reconstruction,
    segmentation,
    squaredError,
    klLoss,
    mrfLoss,
    loss,
  } = objective
  const plan = await compile(gpu, {
    outputs: [...blocks, logits, posterior, sample, reconstruction, segmentation, ...grads],
    report: [loss, squaredError, klLoss, ...(mrfLoss ? [mrfLoss] : [])],
    effects: optimiser.update(grads),
    variables,
    ...options,
  })

  const report = new GoldenReport()
  const compare = (group: string, actual: ArrayLike<number>, name: string, limit: number) => {
    report.add(group, relativeError(actual, tensor(name).data), limit)
  }
  try {
    const prior = tensor('prior').data
    plan.write(scan, tensor('x').data)
    plan.write(objective.prior, prior)
    if (mrfLoss) plan.write(objective.mrfTable, logMrfTable(Float64Array.from(tensor('mrf_table').data)))
    const level = new NoiseLevel(
      { sigma: metadata.sigma_mode === 'estimated' ? 'estimated' : 'fixed', alpha: Number(metadata.alpha) },
      metadata.var === 'None' ? undefined : Number(metadata.var),
    )
    plan.write(objective.reconstructionWeight, Float32Array.of(level.weight))
    const voxels = tensor('x').data.length / tensor('x').shape[0]!
    const truth = Uint8Array.from(tensor('target').data)

    for (let step = 0; step < Number(metadata.steps); step++) {
      plan.write(noise, tensor(`noise.${step}`).data)
      plan.write(optimiser.schedule, optimiser.scheduleAt(step + 1))
      const [total, errors, kl, mrf] = (await plan.run()).map((scalar) => scalar[0]!)
      const reconstructionLoss = level.loss(errors!, voxels)
      const losses: Record<string, number> = {
        loss: total! - level.weight * errors! + reconstructionLoss,
        recon: reconstructionLoss,
        kl: kl!,
        mrf: mrf ?? 0,
        mse: errors! / voxels,
        weight: level.weight,
      }
      for (const [name, value] of Object.entries(losses))
        compare('losses', [value], `step${step}.${name}`, tolerance.loss)

      const classes = Uint8Array.from(await plan.readUint(segmentation))
      const dice = diceScores(classes, truth, architecture.classes)
      const expected = tensor(`step${step}.dice`).data
      expected.forEach((value, i) => {
        report.add('dice', Math.abs(value - dice[i + 1]!), tolerance.dice, 'absolute')
      })
      if (step > 0) continue

      for (const [i, block] of blocks.entries()) {
        const name = `act.block${i}`
        if (tensors.has(name)) compare('activations', await plan.read(block), name, tolerance.activation)
      }
      const allowed = (_: number, i: number) => prior[i]! >= supportThreshold
      report.add(
        'logits',
        relativeError((await plan.read(logits)).filter(allowed), tensor('logits').data.filter(allowed)),
        tolerance.activation,
      )
      compare('posterior', await plan.read(posterior), 'posterior', tolerance.activation)
      compare('reconstruction', await plan.read(reconstruction), 'recon', tolerance.activation)
      report.add(
        'sample',
        differingVoxels(await plan.readUint(sample), tensor('sample').data, voxels),
        tolerance.sample,
        'of voxels',
      )
      for (const [i, { name }] of model.parameters.entries()) {
        compare('gradients', await plan.read(grads[i]!), `grad.${name}`, tolerance.gradient)
      }
    }
    for (const parameter of model.parameters) {
      compare('final weights', await variables.read(parameter), `final.${parameter.name}`, tolerance.final)
    }
  } finally {
    plan.dispose()
    variables.dispose()
  }
  return report.rows
}

/** ||a - b|| / ||b||; infinite where the lengths differ, and never small where something is NaN. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  let difference = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  if (norm === 0) return difference === 0 ? 0 : Infinity
  return Math.sqrt(difference / norm)
}

/** Share of voxels whose label is not the one of the one-hot sample [1, K, voxels]. */
function differingVoxels(labels: Uint32Array, oneHot: Float32Array, voxels: number): number {
  let differing = 0
  labels.forEach((label, i) => {
    if (oneHot[label * voxels + i] !== 1) differing++
  })
  return differing / voxels
}
