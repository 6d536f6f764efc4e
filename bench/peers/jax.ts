// jax-js on the WebGPU of our Dawn; forward only: its gradients are wrong at these sizes.
import { waitIdly } from '../../src/node/index.js'
import { load, serve, type Job, type Task } from './child.js'
import { offerDawn } from './dawn.js'
import { decoder, encoder, type NetworkOps } from './network.js'

/** Passing an array to a function consumes it; `ref` allows one more use. */
interface JaxArray {
  readonly ref: JaxArray
  readonly shape: number[]
  add(other: JaxArray): JaxArray
  sub(other: JaxArray): JaxArray
  reshape(shape: readonly number[]): JaxArray
  data(): Promise<Float32Array>
  blockUntilReady(): Promise<JaxArray>
  dispose(): void
}

/** The part of the package that is used here; it is not installed when types are checked. */
interface Jax {
  init(device: string): Promise<string[]>
  defaultDevice(device: string): string
  readonly jit: <A extends JaxArray[]>(f: (...args: A) => JaxArray) => (...args: A) => JaxArray
  readonly numpy: {
    array(data: Float32Array): JaxArray
    concatenate(parts: JaxArray[], axis: number): JaxArray
    max(x: JaxArray, axes: number[]): JaxArray
    square(x: JaxArray): JaxArray
    sum(x: JaxArray): JaxArray
    broadcastTo(x: JaxArray, shape: readonly number[]): JaxArray
  }
  readonly lax: { conv(x: JaxArray, weight: JaxArray, strides: number[], padding: 'SAME'): JaxArray }
  readonly nn: {
    relu(x: JaxArray): JaxArray
    sigmoid(x: JaxArray): JaxArray
    softmax(x: JaxArray, axis: number): JaxArray
  }
}

serve(async (job): Promise<Task> => {
  await offerDawn()
  // Imported through a variable, because the compiler would look for its types.
  const [library] = ['@jax-js/jax']
  const jax = (await import(library)) as Jax
  const devices = await jax.init('webgpu')
  if (!devices.includes('webgpu')) throw new Error('the WebGPU backend does not start')
  jax.defaultDevice('webgpu')
  const forward = job.work === 'conv forward' ? convolution(jax, job) : network(jax, job)
  return {
    results: async () => {
      const read: Record<string, Float32Array> = {}
      for (const [name, array] of Object.entries(forward())) read[name] = await waitIdly(array.data())
      return read
    },
    run: async () => {
      // Arrays are lazy: waiting for the first named result, on which all the work converges, runs everything.
      const [last, ...others] = Object.values(forward())
      await waitIdly(last!.blockUntilReady())
      for (const array of [last!, ...others]) array.dispose()
    },
  }
})

function array({ numpy }: Jax, job: Job, name: string, shape = job.tensors[name]!.shape): JaxArray {
  return numpy.array(load(job, name)).reshape(shape)
}

function convolution(jax: Jax, job: Job): () => Record<string, JaxArray> {
  const [x, weight] = [array(jax, job, 'x'), array(jax, job, 'weight')]
  const conv = jax.jit((a: JaxArray, b: JaxArray) => jax.lax.conv(a, b, [1, 1, 1], 'SAME'))
  return () => ({ result: conv(x.ref, weight.ref) })
}

function network(jax: Jax, job: Job): () => Record<string, JaxArray> {
  const { numpy, lax, nn, jit } = jax
  const layers = new Map<string, (x: JaxArray) => JaxArray>()
  const layer = (name: string, activation: 'none' | 'relu' | 'sigmoid') => {
    const weight = array(jax, job, `${name}.weight`)
    const bias = array(jax, job, `${name}.bias`, [1, -1, 1, 1, 1])
    const conv = jit((x: JaxArray, w: JaxArray, b: JaxArray) => {
      const y = lax.conv(x, w, [1, 1, 1], 'SAME').add(b)
      return activation === 'none' ? y : nn[activation](y)
    })
    return (x: JaxArray) => conv(x, weight.ref, bias.ref)
  }
  // Each piece has its own jit: convolutions and softmax in a single jit give wrong results.
  const pool = jit((x: JaxArray) => {
    const [batch, channels, ...extents] = x.shape
    return numpy.max(x.reshape([batch!, channels!, ...extents.flatMap((n) => [n / 2, 2])]), [3, 5, 7])
  })
  const upsample = jit((x: JaxArray) => {
    const [batch, channels, ...extents] = x.shape
    const apart = x.reshape([batch!, channels!, ...extents.flatMap((n) => [n, 1])])
    const repeated = numpy.broadcastTo(apart, [batch!, channels!, ...extents.flatMap((n) => [n, 2])])
    return repeated.reshape([batch!, channels!, ...extents.map((n) => 2 * n)])
  })
  const concat = jit((a: JaxArray, b: JaxArray) => numpy.concatenate([a, b], 1))
  const softmax = jit((x: JaxArray) => nn.softmax(x, 1))
  const squaredError = jit((a: JaxArray, b: JaxArray) => numpy.sum(numpy.square(a.sub(b))))
  const ops: NetworkOps<JaxArray> = {
    conv: (name, x, activation) => {
      if (!layers.has(name)) layers.set(name, layer(name, activation))
      return layers.get(name)!(x)
    },
    pool: (x) => pool(x.ref),
    upsample,
    concat,
  }
  const scan = array(jax, job, 'scan')
  return () => {
    const logits = encoder(ops, scan.ref)
    return { loss: squaredError(decoder(ops, softmax(logits.ref)), scan.ref), logits }
  }
}
