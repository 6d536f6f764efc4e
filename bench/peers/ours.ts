// Our own engine, as one of the peers.
import type { Plan } from '../../src/plan/plan.js'
import { compile, type CompileOptions } from '../../src/plan/compile.js'
import { gradients } from '../../src/graph/gradients.js'
import { input, type Value } from '../../src/graph/value.js'
import { Variables } from '../../src/plan/variables.js'
import { openGpu } from '../../src/node/index.js'
import { argmaxOnly, conv3d, convTranspose3d, softmax, squaredError } from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { createModel, defaultArchitecture } from '../../src/sae/model.js'
import { saeObjective } from '../../src/sae/training/objective.js'
import { segmentationMemory } from '../../src/sae/segmenter.js'
import { load, serve, type Job, type Task } from './child.js'
import { classes, kernelOf } from './work.js'

/** A graph in two forms: with every result to compare, and with only the work to time. */
interface Graph {
  readonly results: Readonly<Record<string, Value>>
  readonly timed: CompileOptions
  readonly parameters?: readonly Value[]
  /** Sets what changes from run to run. */
  readonly beforeRun?: (plan: Plan, run: number) => void
}

serve(async (job): Promise<Task> => {
  const gpu = await openGpu()
  const { results, timed, parameters = [], beforeRun } = graphOf(job)
  const variables = new Variables(gpu)
  for (const parameter of parameters) variables.write(parameter, load(job, parameter.name))
  let plan: Plan | undefined
  let runs = 0
  const feed = (to: Plan) => {
    for (const value of to.inputs) if (value.name in job.tensors) to.write(value, load(job, value.name))
  }
  return {
    results: async () => {
      const check = await compile(gpu, { outputs: Object.values(results), variables })
      feed(check)
      await check.run()
      const read: Record<string, Float32Array> = {}
      for (const [name, value] of Object.entries(results))
        read[name] =
          value.dtype === 'u32' ? Float32Array.from(await check.readUint(value)) : await check.read(value)
      check.dispose()
      gpu.buffers.resetPeak()
      plan = await compile(gpu, { ...timed, variables })
      feed(plan)
      return read
    },
    run: async () => {
      beforeRun?.(plan!, ++runs)
      const [loss] = await plan!.run()
      if (loss && !Number.isFinite(loss[0])) throw new Error(`the loss is ${loss[0]!}`)
    },
    bufferBytes: () => gpu.buffers.peakBytes,
  }
})

function graphOf(job: Job): Graph {
  if (job.work.startsWith('conv')) return convolution(job)
  if (job.work.startsWith('transposed')) return transposed(job)
  if (job.work.startsWith('unet')) return network(job)
  return job.work === 'step' ? step(job) : segmentation(job)
}

function convolution({ work, extents }: Job): Graph {
  const x = input('x', [1, classes, ...extents])
  const incoming = input('incoming', x.shape)
  const weight = input('weight', [classes, classes, 3, 3, 3], { layout: 'flat' })
  return layer(work, conv3d(x, weight, undefined, { padding: 'same' }), incoming)
}

function transposed({ work, tensors }: Job): Graph {
  const shapeOf = (name: string) => tensors[name]!.shape
  const x = input('x', shapeOf('x'))
  const incoming = input('incoming', shapeOf('incoming'))
  const weight = input('weight', shapeOf('weight'), { layout: 'flat' })
  const ends = kernelOf(work) === 3 ? { padding: 1, outputPadding: 1 } : {}
  return layer(work, convTranspose3d(x, weight, undefined, { stride: 2, ...ends }), incoming)
}

/** The part of a layer that the work asks for. */
function layer(work: Job['work'], output: Value, incoming: Value): Graph {
  const [gradInput, gradWeight] = output.node!.backward!([incoming])
  const result = work.endsWith('grad input')
    ? gradInput!
    : work.endsWith('grad weight')
      ? gradWeight!
      : output
  return { results: { result }, timed: { outputs: [result] } }
}

function network({ work, extents }: Job): Graph {
  const { encoder, decoder, parameters } = createModel(defaultArchitecture(classes))
  const scan = input('scan', [1, 1, ...extents])
  const logits = encoder(scan)
  const loss = squaredError(decoder(softmax(logits)), scan)
  if (work === 'unet forward')
    return { results: { logits, loss }, timed: { outputs: [], report: [loss] }, parameters }
  const grads = gradients(loss, parameters)
  return {
    results: { logits, loss, ...named(parameters, grads) },
    timed: { outputs: grads, report: [loss] },
    parameters,
  }
}

function step({ extents }: Job): Graph {
  const model = createModel(defaultArchitecture(classes))
  const { parameters } = model
  const adam = new Adam(parameters)
  const counter = input('noise counter', [2], { dtype: 'u32' })
  const build = (randomness: Value) =>
    saeObjective(model, input('scan', [1, 1, ...extents]), randomness, {
      beta: 0.01,
      neighbourhood: 3,
      temperature: 2 / 3,
    })
  const checked = build(input('noise', [1, classes, ...extents]))
  const timed = build(counter)
  return {
    results: {
      loss: checked.loss,
      divergence: checked.klLoss,
      mrf: checked.mrfLoss!,
      'squared error': checked.squaredError,
      ...named(parameters, gradients(checked.loss, parameters)),
    },
    timed: { outputs: [], report: [timed.loss], effects: adam.minimise(timed.loss) },
    parameters,
    beforeRun: (plan, run) => {
      plan.write(counter, Uint32Array.of(0, run))
      plan.write(adam.schedule, adam.scheduleAt(run))
    },
  }
}

function segmentation({ extents }: Job): Graph {
  const { encoder } = createModel(defaultArchitecture(classes))
  const logits = encoder(input('scan', [1, 1, ...extents]))
  const labels = argmaxOnly(logits, { prior: input('prior', logits.shape) })
  return {
    results: { labels },
    // As in the Segmenter.
    timed: { outputs: [labels], memoryTarget: segmentationMemory },
    parameters: encoder.parameters,
  }
}

function named(parameters: readonly Value[], grads: readonly Value[]): Record<string, Value> {
  return Object.fromEntries(parameters.map(({ name }, i) => [`gradient of ${name}`, grads[i]!]))
}
