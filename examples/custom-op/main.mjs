// Trains a small network on the program's own device, with its own buffers and its own loss.
// In the repository: npm run build && node examples/custom-op/main.mjs. docs/embedding.md explains it step by step.
/* global GPUBufferUsage, GPUMapMode */
import { globals } from 'webgpu'
import {
  AdamW,
  batchNormLayer,
  bufferBytes,
  checkGradients,
  compile,
  convLayer,
  cosineDecay,
  describe,
  deviceDescriptor,
  dropoutLayer,
  elementwiseOp,
  formatPlan,
  input,
  inTraining,
  loadWeights,
  relu,
  requireSameShape,
  saveWeights,
  seededRandom,
  sequential,
  squaredError,
  sum,
  toMemoryOrder,
  useDevice,
  Variables,
  warmUp,
  weightedSum,
} from 'sae-webgpu'
import { adapterVariable, chooseAdapter, findAdapters, waitIdly } from 'sae-webgpu/node'

// --- Your own device

Object.assign(globalThis, globals) // GPUBufferUsage and so on; browsers define them
const found = chooseAdapter(await findAdapters(), process.env[adapterVariable])
const device = await found.adapter.requestDevice(deviceDescriptor(found.adapter, 'my device'))
const gpu = useDevice(device, { wait: waitIdly })

// --- A graph

const shape = [2, 1, 16, 16, 16]
const random = seededRandom(1)
const layers = [
  convLayer('denoise.0', 1, 8, random),
  convLayer('denoise.1', 8, 8, random),
  convLayer('denoise.2', 8, 1, random),
]
const network = (noisy) => layers[2](relu(layers[1](relu(layers[0](noisy)))))
const parameters = layers.flatMap((layer) => layer.parameters)

const noisy = input('noisy', shape)
const clean = input('clean', shape)
const denoised = network(noisy)
const loss = weightedSum([{ term: squaredError(denoised, clean), factor: 1 / clean.size }])

// --- Your own buffers

const { STORAGE, COPY_DST, MAP_READ } = GPUBufferUsage
const scans = device.createBuffer({ size: bufferBytes(noisy), usage: STORAGE | COPY_DST })
const truth = device.createBuffer({ size: bufferBytes(clean), usage: STORAGE | COPY_DST })
const blob = Float32Array.from({ length: clean.size }, (_, i) => {
  const [x, y, z] = [i % 16, (i >> 4) % 16, (i >> 8) % 16]
  return Math.hypot(x - 7.5, y - 7.5, z - 7.5) < 5 ? 1 : 0
})
const grainy = blob.map((value) => value + random() - 0.5)
device.queue.writeBuffer(truth, 0, toMemoryOrder(clean, blob))
device.queue.writeBuffer(scans, 0, toMemoryOrder(noisy, grainy))

// --- Training

const steps = 60
const optimiser = new AdamW(parameters, {
  learningRate: warmUp(cosineDecay({ learningRate: 0.02, steps }), 5),
  maxNorm: 1,
})
const variables = new Variables(gpu)
const training = await compile(gpu, {
  outputs: [],
  report: [loss],
  effects: optimiser.minimise(loss),
  variables,
  buffers: new Map([
    [noisy, scans],
    [clean, truth],
  ]),
})
for (let step = 1; step <= steps; step++) {
  const [value] = await training.run()
  if (step === 1 || step % 20 === 0) console.log(`step ${step}: loss ${value[0].toFixed(4)}`)
}

// --- Saving and resuming

const bytes = await saveWeights(variables, parameters, { task: 'denoising' })
const restored = new Variables(gpu)
loadWeights(restored, parameters, bytes)

const dropping = sequential(layers[0], relu, batchNormLayer('norm', 8), dropoutLayer(0.2), layers[2])
const { result: droppedLoss, updates, counter } = inTraining(() => squaredError(dropping(noisy), clean))
const adam = new AdamW(dropping.parameters, { learningRate: cosineDecay({ learningRate: 0.01, steps }) })
const trainingOf = (its) =>
  compile(gpu, {
    outputs: [],
    report: [droppedLoss],
    effects: [...adam.minimise(droppedLoss), ...updates],
    variables: its,
    buffers: new Map([
      [noisy, scans],
      [clean, truth],
    ]),
  })
const original = new Variables(gpu)
const unbroken = await trainingOf(original)
for (let step = 1; step <= 5; step++) await unbroken.run()

const contents = [...dropping.parameters, ...dropping.statistics, ...adam.state]
const checkpoint = await saveWeights(original, contents, {
  steps: String(original.stepsOf(adam.schedule)),
  counted: String(original.stepsOf(counter)),
})

const later = new Variables(gpu)
const saved = loadWeights(later, contents, checkpoint)
later.setStepsOf(adam.schedule, Number(saved.steps))
later.setStepsOf(counter, Number(saved.counted))
const resumed = await trainingOf(later)
for (let step = 6; step <= 8; step++) {
  const [[expected], [value]] = await Promise.all([unbroken.run(), resumed.run()])
  console.log(`step ${step}: resumed ${value[0]}, without a break ${expected[0]}`)
}

// --- Using the weights

const inference = await compile(gpu, {
  outputs: [denoised],
  variables: restored,
  buffers: new Map([[noisy, scans]]),
})
await inference.run()
const readBack = device.createBuffer({ size: denoised.bytes, usage: MAP_READ | COPY_DST })
const encoder = device.createCommandEncoder()
encoder.copyBufferToBuffer(inference.buffer(denoised), 0, readBack, 0, denoised.bytes)
device.queue.submit([encoder.finish()])
await waitIdly(readBack.mapAsync(GPUMapMode.READ))
const result = new Float32Array(readBack.getMappedRange().slice(0))
const meanError = (a) => a.reduce((total, value, i) => total + Math.abs(value - blob[i]), 0) / a.length
console.log(
  `mean error: ${meanError(grainy).toFixed(3)} before, ${meanError(result).toFixed(3)} after denoising`,
)

// --- Your own op

const charbonnierForward = {
  name: 'charbonnier/forward',
  text: `
// output = sqrt((a - b)^2 + epsilon^2). Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  a_base: u32,
  b_base: u32,
  output_base: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;
@group(0) @binding(3) var<storage, read_write> output: array<Element>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let difference = a[i - params.a_base / WIDTH] - b[i - params.b_base / WIDTH];
  output[i - params.output_base / WIDTH] = sqrt(difference * difference + params.epsilon * params.epsilon);
}
`,
}

const charbonnierBackward = {
  name: 'charbonnier/backward',
  text: `
// grad = sign * grad_output * (a - b) / output, sign 1 for a and -1 for b. Mapping: one invocation per element.

struct Params {
  first: u32,
  count: u32,
  a_base: u32,
  b_base: u32,
  output_base: u32,
  grad_output_base: u32,
  grad_base: u32,
  sign: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;
@group(0) @binding(3) var<storage, read> output: array<Element>;
@group(0) @binding(4) var<storage, read> grad_output: array<Element>;
@group(0) @binding(5) var<storage, read_write> grad: array<Element>;

// #include common/linear

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = linear_index(gid, groups);
  if (index >= params.count) { return; }
  let i = params.first + index;
  let difference = a[i - params.a_base / WIDTH] - b[i - params.b_base / WIDTH];
  let slope = difference / output[i - params.output_base / WIDTH];
  grad[i - params.grad_base / WIDTH] = params.sign * grad_output[i - params.grad_output_base / WIDTH] * slope;
}
`,
}

/** sqrt((a - b)^2 + epsilon^2), element by element: an absolute difference that is smooth at 0. */
function charbonnier(a, b, epsilon = 0.1) {
  requireSameShape('charbonnier', a, b)
  return elementwiseOp({
    name: 'charbonnier',
    shader: charbonnierForward,
    params: { epsilon },
    inputs: { a, b },
    backward: (gradOutput, output) => {
      const inputs = { a, b, output, grad_output: gradOutput }
      const gradient = (sign) =>
        elementwiseOp({
          name: 'charbonnier backward',
          shader: charbonnierBackward,
          params: { sign },
          inputs,
          result: 'grad',
        })
      return { a: gradient(1), b: gradient(-1) }
    },
  })
}

// --- Checking its gradient

const errors = await checkGradients(gpu, {
  inputs: { a: { shape: [2, 3, 5, 7, 4] }, b: { shape: [2, 3, 5, 7, 4] } },
  build: ({ a, b }) => charbonnier(a, b, 0.5),
})
console.log(`gradient of charbonnier: off by ${errors.a.toExponential(0)} and ${errors.b.toExponential(0)}`)

// --- Freezing and sharing

const absolute = weightedSum([{ term: sum(charbonnier(denoised, clean)), factor: 1 / clean.size }])
const lastLayer = new AdamW(layers[2].parameters, { learningRate: 0.002 })
const refining = await compile(gpu, {
  outputs: [],
  report: [absolute],
  effects: lastLayer.minimise(absolute),
  variables,
  buffers: new Map([
    [noisy, scans],
    [clean, truth],
  ]),
})
const refined = []
for (let step = 1; step <= 20; step++) refined.push((await refining.run())[0][0])
console.log(`last layer alone: ${refined[0].toFixed(4)} to ${refined.at(-1).toFixed(4)}`)

// --- Time

if (device.features.has('timestamp-query')) {
  console.log(`${((await refining.timedRun()) * 1e3).toFixed(2)} ms on the device`)
  const rows = describe(refining, await refining.profile())
  console.log(formatPlan(rows.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, 3)))
}

// --- Releasing memory

for (const plan of [training, unbroken, resumed, inference, refining]) plan.dispose()
for (const weights of [variables, restored, original, later]) weights.dispose()
console.log(`buffers of the engine left: ${gpu.buffers.count}`)
gpu.dispose() // would have destroyed them too; the device is still yours
for (const buffer of [scans, truth, readBack]) buffer.destroy()
device.destroy()
process.exit(0) // Dawn would keep Node waiting
