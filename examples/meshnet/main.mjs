// Teaches a MeshNet of brainchop's (https://github.com/neuroneural/brainchop, MIT) other classes: all layers but the last
// begin with its weights. The folder is one of brainchop's public/models, with a model.json and a model.bin.
//
//   node examples/meshnet/main.mjs model20chan3cls
import {
  Adam,
  compile,
  crossEntropy,
  input,
  kaimingUniform,
  meshNet,
  seededRandom,
  Variables,
} from 'sae-webgpu'
import { openGpu, readTfjsModel } from 'sae-webgpu/node'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.log('usage: node main.mjs MODEL_FOLDER')
  process.exit()
}
const classes = 2
const shape = [12, 12, 12]
const random = seededRandom(1)

const layers = await readTfjsModel(folder)
const last = layers.at(-1)
const head = [classes, ...last.shape.slice(1)]
const network = meshNet([
  ...layers.slice(0, -1),
  { ...last, shape: head, weight: kaimingUniform(random)(head), bias: new Float32Array(classes) },
])
const count = network.parameters.reduce((sum, { size }) => sum + size, 0)
console.log(`${layers.length} layers, ${count} parameters`)

const scan = input('scan', [1, 1, ...shape])
const target = input('target', [1, 1, ...shape], { dtype: 'u32' })
const loss = crossEntropy(network(scan), target)
const gpu = await openGpu()
const variables = new Variables(gpu)
const adam = new Adam(network.parameters, { learningRate: 2e-3, maxNorm: 1 })
const step = await compile(gpu, { outputs: [], report: [loss], effects: adam.minimise(loss), variables })

/** A noisy volume with a brighter ball in it, and where the ball is. */
function draw() {
  const centre = shape.map((extent) => extent * (0.3 + 0.4 * random()))
  const labels = Uint32Array.from({ length: 12 ** 3 }, (_, i) => {
    const voxel = [Math.floor(i / 144), Math.floor(i / 12) % 12, i % 12]
    return Math.hypot(...voxel.map((x, axis) => x - centre[axis])) < 4 ? 1 : 0
  })
  return { labels, image: Float32Array.from(labels, (label) => 0.3 + 0.4 * label + 0.4 * (random() - 0.5)) }
}

let sum = 0
for (let i = 1; i <= 40; i++) {
  const { image, labels } = draw()
  step.write(scan, image)
  step.write(target, labels)
  const [[value]] = await step.run()
  sum += value
  if (i % 10 !== 0) continue
  console.log(`steps ${i - 9} to ${i}: mean loss ${(sum / 10).toFixed(4)}`)
  sum = 0
}

step.dispose()
variables.dispose()
gpu.dispose()
