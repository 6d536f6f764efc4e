// TensorFlow.js, on the WebGPU of our Dawn or on its CPU backend.
import { createRequire } from 'node:module'
import { waitIdly } from '../../src/node/index.js'
import { load, serve, type Job, type Task } from './child.js'
import { offerDawn } from './dawn.js'
import { decoder, encoder, type NetworkOps } from './network.js'

interface Tensor {
  readonly shape: number[]
  reshape(shape: number[]): Tensor
  transpose(order: number[]): Tensor
  slice(begin: number[], size: number[]): Tensor
  add(other: Tensor): Tensor
  tile(repeats: number[]): Tensor
  relu(): Tensor
  sigmoid(): Tensor
  softmax(): Tensor
  squaredDifference(other: Tensor): Tensor
  sum(): Tensor
  data(): Promise<Float32Array>
  dispose(): void
}

/** The part of the package that is used here; it is not installed when types are checked. */
interface Tfjs {
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  tensor(data: Float32Array, shape: readonly number[]): Tensor
  variable(value: Tensor, trainable: boolean, name: string): Tensor
  conv3d(x: Tensor, filter: Tensor, stride: number, pad: 'same'): Tensor
  maxPool3d(x: Tensor, size: number, stride: number, pad: 'valid'): Tensor
  concat(parts: Tensor[], axis: number): Tensor
  tidy<T>(body: () => T): T
  keep(tensor: Tensor): Tensor
  variableGrads(f: () => Tensor): { value: Tensor; grads: Record<string, Tensor> }
  engine(): { runKernel(name: string, inputs: object, attributes: object): Tensor }
}

/** Tensors of one run; `wait` is the one that is computed last. */
interface Outputs {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly wait: Tensor
}

serve(async (job): Promise<Task> => {
  const tf = await open(job.peer)
  const forward = job.work.startsWith('conv')
    ? convolution(tf, job)
    : job.work.startsWith('transposed')
      ? transposed(tf, job)
      : network(tf, job)
  const toResult = (tensor: Tensor, data: Float32Array) =>
    job.work.startsWith('transposed') ? mirrored(data, tensor) : data
  return {
    results: async () => {
      const { tensors } = forward()
      const read: Record<string, Float32Array> = {}
      for (const [name, tensor] of Object.entries(tensors))
        read[name] = toResult(tensor, await waitIdly(channelsFirst(tensor).data()))
      for (const tensor of Object.values(tensors)) tensor.dispose()
      return read
    },
    run: async () => {
      const { tensors, wait } = forward()
      // Reading one element waits for all submitted work without transferring the rest.
      const last = tf.tidy(() => wait.reshape([-1]).slice([0], [1]))
      await waitIdly(last.data())
      for (const tensor of [...Object.values(tensors), last]) tensor.dispose()
    },
  }
})

async function open(peer: string): Promise<Tfjs> {
  const webgpu = peer === 'tfjs-webgpu'
  if (webgpu) await offerDawn()
  const require = createRequire(import.meta.url)
  const tf = require('@tensorflow/tfjs') as Tfjs
  if (webgpu) require('@tensorflow/tfjs-backend-webgpu')
  if (!(await tf.setBackend(webgpu ? 'webgpu' : 'cpu'))) throw new Error('the backend does not start')
  await tf.ready()
  return tf
}

function convolution(tf: Tfjs, job: Job): () => Outputs {
  const x = volume(tf, job, 'x')
  const dy = volume(tf, job, 'incoming')
  const filter = filterOf(tf, job, 'weight')
  const common = { strides: [1, 1, 1], pad: 'same' }
  const engine = tf.engine()
  return () => {
    const result = tf.tidy(() =>
      job.work === 'conv forward'
        ? tf.conv3d(x, filter, 1, 'same')
        : job.work === 'conv grad input'
          ? engine.runKernel('Conv3DBackpropInputV2', { dy, filter }, { ...common, inputShape: x.shape })
          : engine.runKernel('Conv3DBackpropFilterV2', { x, dy }, { ...common, filterShape: filter.shape }),
    )
    return { tensors: { result }, wait: result }
  }
}

/**
 * A transposed convolution of stride 2. TensorFlow pads the end of an axis first, PyTorch its start: so everything is
 * mirrored, volumes and kernels along all three axes.
 */
function transposed(tf: Tfjs, job: Job): () => Outputs {
  const x = volume(tf, job, 'x', -1)
  const incoming = volume(tf, job, 'incoming', -1)
  const filter = filterOf(tf, job, 'weight', -1)
  const common = { strides: [2, 2, 2], pad: 'same' }
  const engine = tf.engine()
  return () => {
    const result = tf.tidy(() =>
      job.work.endsWith('forward')
        ? engine.runKernel(
            'Conv3DBackpropInputV2',
            { dy: x, filter },
            { ...common, inputShape: incoming.shape },
          )
        : job.work.endsWith('grad input')
          ? tf.conv3d(incoming, filter, 2, 'same')
          : engine.runKernel(
              'Conv3DBackpropFilterV2',
              { x: incoming, dy: x },
              { ...common, filterShape: filter.shape },
            ),
    )
    return { tensors: { result }, wait: result }
  }
}

function network(tf: Tfjs, job: Job): () => Outputs {
  const parameters = new Map<string, Tensor>()
  for (const name of Object.keys(job.tensors).filter((key) => /\.(weight|bias)$/.test(key))) {
    const value = name.endsWith('weight')
      ? filterOf(tf, job, name)
      : tf.tensor(load(job, name), job.tensors[name]!.shape)
    parameters.set(name, tf.variable(value, true, name))
  }
  const ops: NetworkOps<Tensor> = {
    conv: (layer, x, activation) => {
      const y = tf.conv3d(x, parameters.get(`${layer}.weight`)!, 1, 'same')
      // WebGPU does not support adding to a 5-D tensor.
      const flat = y.reshape([-1, y.shape[4]!]).add(parameters.get(`${layer}.bias`)!)
      return (activation === 'none' ? flat : flat[activation]()).reshape(y.shape)
    },
    pool: (x) => tf.maxPool3d(x, 2, 2, 'valid'),
    upsample: (x) => {
      // Nor does it support tiling of many dimensions; tiling one axis at a time needs only three.
      const [, depth, height, width, channels] = x.shape as [number, number, number, number, number]
      return x
        .reshape([depth, 1, height * width * channels])
        .tile([1, 2, 1])
        .reshape([2 * depth * height, 1, width * channels])
        .tile([1, 2, 1])
        .reshape([4 * depth * height * width, 1, channels])
        .tile([1, 2, 1])
        .reshape([1, 2 * depth, 2 * height, 2 * width, channels])
    },
    concat: (a, b) => tf.concat([a, b], 4),
  }
  const scan = volume(tf, job, 'scan')
  let logits: Tensor | undefined
  const forward = () => {
    const result = encoder(ops, scan)
    logits = tf.keep(result)
    const probabilities = result.reshape([-1, result.shape[4]!]).softmax().reshape(result.shape)
    return decoder(ops, probabilities).squaredDifference(scan).sum()
  }
  if (job.work === 'unet forward') {
    return () => {
      const loss = tf.tidy(forward)
      return { tensors: { loss, logits: logits! }, wait: loss }
    }
  }
  return () => {
    const { value, grads } = tf.variableGrads(forward)
    const named = Object.fromEntries(
      Object.entries(grads).map(([name, grad]) => [`gradient of ${name}`, grad]),
    )
    // The first layer's gradient is the last one that the backward pass makes.
    return { tensors: { loss: value, logits: logits!, ...named }, wait: grads['encoder.block0.bias']! }
  }
}

/** 1, or -1 if all three axes run backwards. */
type Direction = 1 | -1

/** A volume [1, C, D, H, W] as [1, D, H, W, C]. */
function volume(tf: Tfjs, job: Job, name: string, direction: Direction = 1): Tensor {
  const { shape } = job.tensors[name]!
  const [, channels, ...extents] = shape
  const data = loaded(job, name, direction)
  return tf.tensor(reorder(data, channels!), [1, ...extents, channels!])
}

/** Weights [Co, Ci, 3, 3, 3] as [3, 3, 3, Ci, Co]. */
function filterOf(tf: Tfjs, job: Job, name: string, direction: Direction = 1): Tensor {
  return tf.tensor(loaded(job, name, direction), job.tensors[name]!.shape).transpose([2, 3, 4, 1, 0])
}

function loaded(job: Job, name: string, direction: Direction): Float32Array {
  const data = load(job, name)
  return direction === 1 ? data : backwards(data, job.tensors[name]!.shape)
}

/** The contents of a result in PyTorch's order, mirrored back. @param tensor the result in TensorFlow's order */
function mirrored(data: Float32Array, { shape }: Tensor): Float32Array {
  return backwards(
    data,
    isWeight(shape) ? [shape[4]!, shape[3]!, ...shape.slice(0, 3)] : [1, shape[4]!, ...shape.slice(1, 4)],
  )
}

/** [_, _, D, H, W] with its last three axes mirrored. */
function backwards(data: Float32Array, shape: readonly number[]): Float32Array {
  const size = shape.slice(2).reduce((a, b) => a * b)
  const result = new Float32Array(data.length)
  for (let start = 0; start < data.length; start += size)
    result.set(data.slice(start, start + size).reverse(), start)
  return result
}

function isWeight(shape: readonly number[]): boolean {
  // Volumes start with a batch of 1.
  return shape[0] !== 1
}

/** A volume or weights back in PyTorch's order. */
function channelsFirst(tensor: Tensor): Tensor {
  if (tensor.shape.length !== 5) return tensor
  return tensor.transpose(isWeight(tensor.shape) ? [4, 3, 0, 1, 2] : [0, 4, 1, 2, 3])
}

/** From [C, voxels] to [voxels, C]; on the host, because some backends transpose five dimensions slowly. */
function reorder(data: Float32Array, channels: number): Float32Array {
  const voxels = data.length / channels
  const result = new Float32Array(data.length)
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < voxels; i++) result[i * channels + c] = data[c * voxels + i]!
  return result
}
