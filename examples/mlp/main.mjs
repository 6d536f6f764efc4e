// Trains a perceptron with two hidden layers on points of two spirals, with dropout, and tests it on others.
//
//   node examples/mlp/main.mjs
import {
  AdamW,
  compile,
  crossEntropy,
  dropoutLayer,
  input,
  inTraining,
  linearLayer,
  relu,
  reshape,
  seededRandom,
  sequential,
  Variables,
} from 'sae-webgpu'
import { openGpu } from 'sae-webgpu/node'

const batch = 256
const random = seededRandom(1)
const network = sequential(
  linearLayer('0', 2, 64, random),
  relu,
  dropoutLayer(0.05),
  linearLayer('3', 64, 64, random),
  relu,
  linearLayer('5', 64, 2, random),
)

// Losses are for volumes [N, classes, D, H, W]: here of one voxel.
const points = input('points', [batch, 2])
const labels = input('labels', [batch, 1, 1, 1, 1], { dtype: 'u32' })
const lossOf = (logits) => crossEntropy(reshape(logits, [batch, 2, 1, 1, 1]), labels)
// Dropout only drops in a graph that is built for training.
const { result: loss } = inTraining(() => lossOf(network(points)))
const logits = network(points)

const gpu = await openGpu()
const variables = new Variables(gpu)
const adam = new AdamW(network.parameters, { learningRate: 0.01 })
const step = await compile(gpu, { outputs: [], report: [loss], effects: adam.minimise(loss), variables })
const evaluation = await compile(gpu, { outputs: [logits], variables })

/** Points at random places of two arms that wind around each other, and which arm each lies on. */
function draw() {
  const arms = Uint32Array.from({ length: batch }, () => (random() < 0.5 ? 0 : 1))
  const places = Array.from(arms, (arm) => {
    const along = 0.5 + 2.5 * random()
    const angle = 2 * along + Math.PI * arm
    return [along * Math.cos(angle), along * Math.sin(angle)].map((x) => x + 0.1 * (random() - 0.5))
  })
  return { arms, places: Float32Array.from(places.flat()) }
}

let sum = 0
for (let i = 1; i <= 200; i++) {
  const { arms, places } = draw()
  step.write(points, places)
  step.write(labels, arms)
  const [[value]] = await step.run()
  sum += value
  if (i % 50 !== 0) continue
  console.log(`steps ${i - 49} to ${i}: mean loss ${(sum / 50).toFixed(4)}`)
  sum = 0
}

const { arms, places } = draw()
evaluation.write(points, places)
await evaluation.run()
const found = await evaluation.read(logits)
const right = arms.filter((arm, i) => (found[2 * i + 1] > found[2 * i] ? 1 : 0) === arm).length
console.log(`new points: accuracy ${(right / batch).toFixed(3)}`)

evaluation.dispose()
step.dispose()
variables.dispose()
gpu.dispose()
