// Trains a small U-Net from scratch: it learns to separate the bright part of a noisy volume from the dark part.
//
//   node examples/train-from-nothing/main.mjs
import { Adam, compile, crossEntropy, input, seededRandom, unet, Variables } from 'sae-webgpu'
import { openGpu } from 'sae-webgpu/node'

const shape = [16, 16, 16]
const voxels = 16 * 16 * 16
const random = seededRandom(1)

// The graph describes the computation, for volumes of one shape.
const network = unet({ classes: 2, widths: [8, 16], seed: 1 })
const scan = input('scan', [1, 1, ...shape])
const target = input('target', [1, 2, ...shape])
const loss = crossEntropy(network(scan), target)
const adam = new Adam(network.parameters, { learningRate: 0.01 })

// The plan is the graph compiled for a device, with its own buffers. A run is one step.
const gpu = await openGpu()
console.log(`on ${gpu.adapter.name}`)
const variables = new Variables(gpu)
const step = await compile(gpu, { outputs: [], report: [loss], effects: adam.minimise(loss), variables })

let sum = 0
for (let i = 1; i <= 100; i++) {
  // A new volume for every step: voxels from a random depth on are bright.
  const depth = 4 + Math.floor(9 * random())
  const isBright = (voxel) => voxel >= depth * 16 * 16
  const noisy = (_, voxel) => 0.2 + (isBright(voxel) ? 0.4 : 0) + 0.6 * (random() - 0.5)
  const oneHot = (_, i) => (isBright(i % voxels) === i >= voxels ? 1 : 0)
  step.write(scan, Float32Array.from({ length: voxels }, noisy))
  step.write(target, Float32Array.from({ length: 2 * voxels }, oneHot))
  const [[value]] = await step.run()
  sum += value
  if (i % 20 !== 0) continue
  console.log(`steps ${i - 19} to ${i}: mean loss ${(sum / 20).toFixed(4)}`)
  sum = 0
}

step.dispose()
variables.dispose()
gpu.dispose()
