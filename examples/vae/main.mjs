// Trains a variational auto-encoder (Kingma and Welling 2014) on images of discs: four numbers for each image, from which
// it paints it again. Images are volumes with D = 1.
//
//   node examples/vae/main.mjs
import {
  add,
  Adam,
  compile,
  convLayer,
  convTransposeLayer,
  exp,
  input,
  inTraining,
  linearLayer,
  multiply,
  normalNoise,
  relu,
  reshape,
  seededRandom,
  sequential,
  sigmoid,
  slice,
  square,
  squaredError,
  subtract,
  sum,
  Variables,
  weightedSum,
} from 'sae-webgpu'
import { openGpu } from 'sae-webgpu/node'

const [batch, size, latent] = [16, 16, 4]
const steps = 300
const random = seededRandom(1)

const halve = { kernelSize: [1, 3, 3], stride: [1, 2, 2] }
const double = { kernelSize: [1, 4, 4], stride: [1, 2, 2], padding: [0, 1, 1] }
const encoder = sequential(
  convLayer('encoder.0', 1, 8, random, halve),
  relu,
  convLayer('encoder.2', 8, 16, random, halve),
  relu,
  (features) => reshape(features, [batch, 16 * 4 * 4]),
  linearLayer('encoder.5', 16 * 4 * 4, 2 * latent, random),
)
const decoder = sequential(
  linearLayer('decoder.0', latent, 16 * 4 * 4, random),
  relu,
  (features) => reshape(features, [batch, 16, 1, 4, 4]),
  convTransposeLayer('decoder.3', 16, 8, random, double),
  relu,
  convTransposeLayer('decoder.5', 8, 1, random, double),
  sigmoid,
)

const images = input('images', [batch, 1, 1, size, size])
const code = encoder(images)
const mean = slice(code, { starts: [0], ends: [latent], axes: [1] })
const logVariance = slice(code, { starts: [latent], axes: [1] })

// In training, a code is drawn around its mean; its divergence from the standard normal distribution is part of the loss.
const { result: painted } = inTraining((counter) => {
  const deviation = exp(multiply(logVariance, 0.5))
  return decoder(add(mean, multiply(deviation, normalNoise([batch, latent], counter))))
})
const spread = subtract(exp(logVariance), add(logVariance, 1))
const divergence = weightedSum([{ term: sum(add(square(mean), spread)), factor: 0.5 }])
const loss = weightedSum([
  { term: squaredError(painted, images), factor: 1 / batch },
  { term: divergence, factor: 0.1 / batch },
])

const gpu = await openGpu()
const variables = new Variables(gpu)
const adam = new Adam([...encoder.parameters, ...decoder.parameters], { learningRate: 3e-3 })
const report = [loss, divergence]
const step = await compile(gpu, { outputs: [], report, effects: adam.minimise(loss), variables })
const repainted = decoder(mean)
const repaint = await compile(gpu, { outputs: [repainted], variables })

/** Smooth discs of random radius at random places. */
function draw() {
  const disc = () => {
    const [x, y, radius] = [5 + 6 * random(), 5 + 6 * random(), 2 + 2 * random()]
    const voxel = (_, i) =>
      1 / (1 + Math.exp(2 * (Math.hypot((i % size) - x, Math.floor(i / size) - y) - radius)))
    return Array.from({ length: size * size }, voxel)
  }
  return Float32Array.from(Array.from({ length: batch }, disc).flat())
}

let sums = [0, 0]
for (let i = 1; i <= steps; i++) {
  step.write(images, draw())
  const values = await step.run()
  sums = sums.map((sum, k) => sum + values[k][0])
  if (i % 100 !== 0) continue
  const [loss, divergence] = sums.map((sum) => sum / 100)
  console.log(
    `steps ${i - 99} to ${i}: mean loss ${loss.toFixed(3)}, ${(divergence / batch).toFixed(2)} nats an image`,
  )
  sums = [0, 0]
}

// New images: the variance that their four numbers explain.
const truth = draw()
repaint.write(images, truth)
await repaint.run()
const result = await repaint.read(repainted)
const average = truth.reduce((total, x) => total + x, 0) / truth.length
const squares = (of) => truth.reduce((total, x, i) => total + (x - of(i)) ** 2, 0)
console.log(
  `new images: explained variance ${(1 - squares((i) => result[i]) / squares(() => average)).toFixed(3)}`,
)

repaint.dispose()
step.dispose()
variables.dispose()
gpu.dispose()
