/* global document */
// Trains a tiny network in a browser, on synthetic data, and shows the loss. README.md says how to bundle it.
import { Adam, compile, crossEntropy, input, openDevice, seededRandom, unet, Variables } from 'sae-webgpu'

const log = document.getElementById('log')

async function train() {
  const shape = [8, 8, 8]
  const voxels = 8 * 8 * 8
  const random = seededRandom(1)
  const network = unet({ classes: 2, widths: [8, 8], seed: 1 })
  const scan = input('scan', [1, 1, ...shape])
  const target = input('target', [1, 2, ...shape])
  const loss = crossEntropy(network(scan), target)
  const adam = new Adam(network.parameters, { learningRate: 0.02 })

  const gpu = await openDevice()
  log.append(`on ${gpu.adapter.name}\n`)
  const variables = new Variables(gpu)
  const step = await compile(gpu, { outputs: [], report: [loss], effects: adam.minimise(loss), variables })
  for (let i = 1; i <= 60; i++) {
    // A new volume for every step: voxels from a random depth on are bright.
    const depth = 2 + Math.floor(5 * random())
    const isBright = (voxel) => voxel >= depth * 8 * 8
    const noisy = (_, voxel) => 0.2 + (isBright(voxel) ? 0.4 : 0) + 0.6 * (random() - 0.5)
    const oneHot = (_, i) => (isBright(i % voxels) === i >= voxels ? 1 : 0)
    step.write(scan, Float32Array.from({ length: voxels }, noisy))
    step.write(target, Float32Array.from({ length: 2 * voxels }, oneHot))
    const [[value]] = await step.run()
    if (i === 1 || i % 10 === 0) log.append(`step ${i}: loss ${value.toFixed(4)}\n`)
  }
  step.dispose()
  variables.dispose()
  gpu.dispose()
  log.append('done\n')
}

train().catch((error) => log.append(`${error.message}\n`))
