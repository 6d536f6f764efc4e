// ONNX Runtime, on the CPU or on its own WebGPU; forward only.
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { waitIdly } from '../../src/node/index.js'
import { load, serve, type Job, type Task } from './child.js'
import { decoder, encoder, type NetworkOps } from './network.js'
import { OnnxModel } from './onnx-model.js'

interface OrtTensor {
  readonly data: Float32Array | BigInt64Array
}

/** The part of the package that is used here; it is not installed when types are checked. */
interface Ort {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OrtTensor
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Record<string, OrtTensor>, fetches: readonly string[]): Promise<Record<string, OrtTensor>>
    }>
  }
}

serve(async (job): Promise<Task> => {
  const ort = createRequire(import.meta.url)('onnxruntime-node') as Ort
  const { model, inputs, results, timed } = graphOf(job)
  const session = await ort.InferenceSession.create(await model.bytes(), {
    executionProviders: [job.peer === 'onnxruntime-webgpu' ? 'webgpu' : 'cpu'],
    intraOpNumThreads: cpus().length,
    // Errors only.
    logSeverityLevel: 3,
  })
  const feeds = Object.fromEntries(
    inputs.map((name) => [name, new ort.Tensor('float32', load(job, name), job.tensors[name]!.shape)]),
  )
  return {
    results: async () => {
      const outputs = await waitIdly(session.run(feeds, results))
      return Object.fromEntries(
        results.map((name) => {
          const { data } = outputs[name]!
          return [name, data instanceof Float32Array ? data : Float32Array.from(data, Number)]
        }),
      )
    },
    run: () => waitIdly(session.run(feeds, timed)),
  }
})

interface Graph {
  readonly model: OnnxModel
  readonly inputs: readonly string[]
  readonly results: readonly string[]
  readonly timed: readonly string[]
}

function graphOf(job: Job): Graph {
  const model = new OnnxModel()
  const constant = (name: string) => model.constant(name, job.tensors[name]!.shape, load(job, name))
  const input = (name: string) => model.input(name, job.tensors[name]!.shape)
  const conv = (x: string, weights: string[]) =>
    model.node('Conv', [x, ...weights.map(constant)], { pads: [1, 1, 1, 1, 1, 1], kernel_shape: [3, 3, 3] })

  if (job.work === 'conv forward') {
    model.output('result', conv(input('x'), ['weight']))
    return { model, inputs: ['x'], results: ['result'], timed: ['result'] }
  }

  const scales = model.constant('scales', [5], Float32Array.of(1, 1, 2, 2, 2))
  const nearest = { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' }
  const ops: NetworkOps<string> = {
    conv: (layer, x, activation) => {
      const y = conv(x, [`${layer}.weight`, `${layer}.bias`])
      return activation === 'none' ? y : model.node(activation === 'relu' ? 'Relu' : 'Sigmoid', [y])
    },
    pool: (x) => model.node('MaxPool', [x], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }),
    upsample: (x) => model.node('Resize', [x, '', scales], nearest),
    concat: (a, b) => model.node('Concat', [a, b], { axis: 1 }),
  }
  const scan = input('scan')
  const logits = encoder(ops, scan)
  if (job.work === 'segment') {
    const threshold = model.constant('threshold', [1], Float32Array.of(1e-8))
    const penalty = model.constant('penalty', [1], Float32Array.of(1e12))
    const unsupported = model.node('Less', [input('prior'), threshold])
    const masked = model.node('Where', [unsupported, model.node('Sub', [logits, penalty]), logits])
    model.output('labels', model.node('ArgMax', [masked], { axis: 1, keepdims: 0 }), 'int64')
    return { model, inputs: ['scan', 'prior'], results: ['labels'], timed: ['labels'] }
  }
  const difference = model.node('Sub', [decoder(ops, model.node('Softmax', [logits], { axis: 1 })), scan])
  const loss = model.node('ReduceSum', [model.node('Mul', [difference, difference])], { keepdims: 0 })
  model.output('loss', loss)
  model.output('logits', logits)
  return { model, inputs: ['scan'], results: ['loss', 'logits'], timed: ['loss'] }
}
