// Trains a network like nnU-Net's (Isensee et al. 2021) with labels: strided convolutions down, transposed ones up,
// instance normalisation, leaky ReLUs; cross-entropy and Dice; SGD with Nesterov momentum and a polynomial decay. It
// learns to tell a ball from a rod of the same brightness in noise.
//
//   node examples/nnunet/main.mjs
import {
  add,
  argmax,
  compile,
  concat,
  convLayer,
  convTransposeLayer,
  crossEntropy,
  diceScores,
  input,
  instanceNormLayer,
  kaimingNormal,
  filledWith,
  gainOf,
  leakyRelu,
  seededRandom,
  sequential,
  SGD,
  softDice,
  softmax,
  Variables,
} from 'sae-webgpu'
import { openGpu } from 'sae-webgpu/node'

const shape = [16, 16, 16]
const steps = 140
const classes = 3 // background, ball, rod
const widths = [4, 8, 16] // channels at each resolution

// --- The network; parameters have the names that nnU-Net gives them

const random = seededRandom(1)
const initial = { weight: kaimingNormal(random, { gain: gainOf('leakyRelu') }), bias: filledWith(0) }

/** Convolution, normalisation, leaky ReLU, twice; a stride halves the resolution first. */
function stage(name, inputs, outputs, stride) {
  const once = (i, channels, stride) => [
    convLayer(`${name}.convs.${i}.conv`, channels, outputs, random, { stride, ...initial }),
    instanceNormLayer(`${name}.convs.${i}.norm`, outputs),
    leakyRelu,
  ]
  return sequential(...once(0, inputs, stride), ...once(1, outputs, 1))
}

const down = widths.map((width, i) =>
  stage(`encoder.stages.${i}.0`, widths[i - 1] ?? 1, width, i === 0 ? 1 : 2),
)
const ups = [1, 0].map((level, i) => ({
  level,
  up: convTransposeLayer(`decoder.transpconvs.${i}`, widths[level + 1], widths[level], random, initial),
  stage: stage(`decoder.stages.${i}`, 2 * widths[level], widths[level], 1),
}))
const head = convLayer('decoder.seg_layers.1', widths[0], classes, random, { kernelSize: 1, ...initial })
const parameters = [...down, ...ups.flatMap(({ up, stage }) => [up, stage]), head].flatMap(
  (layer) => layer.parameters,
)

function network(scan) {
  const skips = []
  for (const stage of down) skips.push(stage(skips.at(-1) ?? scan))
  const finest = ups.reduce(
    (value, { level, up, stage }) => stage(concat([up(value), skips[level]])),
    skips.at(-1),
  )
  return head(finest)
}

// --- Training

const scan = input('scan', [1, 1, ...shape])
const target = input('target', [1, 1, ...shape], { dtype: 'u32' })
const logits = network(scan)
const loss = add(crossEntropy(logits, target), softDice(softmax(logits), target))
const optimiser = new SGD(parameters, {
  learningRate: (step) => 0.05 * (1 - (step - 1) / steps) ** 0.9,
  momentum: 0.95,
  nesterov: true,
  weightDecay: 3e-5,
  maxNorm: 12,
})

const gpu = await openGpu()
const variables = new Variables(gpu)
const step = await compile(gpu, { outputs: [], report: [loss], effects: optimiser.minimise(loss), variables })
const segmentation = argmax(logits)
const segment = await compile(gpu, { outputs: [segmentation], variables })

/** A noisy volume with a ball in one half and a rod in the other, and its labels. */
function draw() {
  const [ballFirst, radius] = [random() < 0.5, 2.5 + random()]
  const around = (low) => [low + 2 * random(), 6 + 4 * random(), 6 + 4 * random()]
  const [ball, rod] = ballFirst ? [around(3), around(11)] : [around(11), around(3)]
  const labels = Uint32Array.from({ length: 16 ** 3 }, (_, i) => {
    const voxel = [i >> 8, (i >> 4) & 15, i & 15]
    const far = (centre) => voxel.map((x, axis) => Math.abs(x - centre[axis]))
    if (Math.hypot(...far(ball)) < radius) return 1
    const [d, h, w] = far(rod)
    return Math.max(d, h, w / 4) < 1.6 ? 2 : 0
  })
  return { labels, image: Float32Array.from(labels, (label) => (label > 0 ? 1 : 0) + 0.4 * (random() - 0.5)) }
}

let sum = 0
for (let i = 1; i <= steps; i++) {
  const { image, labels } = draw()
  step.write(scan, image)
  step.write(target, labels)
  const [[value]] = await step.run()
  sum += value
  if (i % 20 !== 0) continue
  console.log(`steps ${i - 19} to ${i}: mean loss ${(sum / 20).toFixed(4)}`)
  sum = 0
}

const unseen = draw()
segment.write(scan, unseen.image)
await segment.run()
const found = Uint8Array.from(await segment.readUint(segmentation))
const [, ball, rod] = diceScores(found, Uint8Array.from(unseen.labels), classes)
console.log(`new volume: Dice ${ball.toFixed(3)} of the ball, ${rod.toFixed(3)} of the rod`)

segment.dispose()
step.dispose()
variables.dispose()
gpu.dispose()
