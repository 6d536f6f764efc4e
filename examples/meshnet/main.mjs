// Segments the middle of a T1 scan (1 mm, with or without skull) with a MeshNet of brainchop's: the folder of a model is
// one of public/models at https://github.com/neuroneural/brainchop, with its model.json and model.bin.
//
//   node examples/meshnet/main.mjs model20chan3cls scan.nii.gz
import { argmax, compile, crop, input, meshNet, scaledByQuantiles } from 'sae-webgpu'
import { openGpu, readTfjsModel, readVolume } from 'sae-webgpu/node'

const [model, path] = process.argv.slice(2)
if (!model || !path) {
  console.log('usage: node main.mjs MODEL_FOLDER SCAN')
  process.exit(2)
}
const network = meshNet(await readTfjsModel(model))
const { data, grid } = await readVolume(path)
const intensities = scaledByQuantiles(data, [0, 1])

// A block of 64 voxels along each axis; what is around it influences it, so the network sees 16 voxels more.
const whole = input('scan', [1, 1, ...grid.shape])
const middle = (margin) => ({
  start: grid.shape.map((extent) => Math.floor(extent / 2) - 32 - margin),
  stop: grid.shape.map((extent) => Math.floor(extent / 2) + 32 + margin),
})
const block = crop(whole, middle(0))
const logits = crop(network(crop(whole, middle(16))), { start: [16, 16, 16], stop: [80, 80, 80] })
const labels = argmax(logits)

const gpu = await openGpu()
const plan = await compile(gpu, { outputs: [block, labels] })
plan.write(whole, intensities)
await plan.run()
const found = await plan.readUint(labels)
const seen = await plan.read(block)
for (let c = 0; c < logits.shape[1]; c++) {
  const members = seen.filter((_, i) => found[i] === c)
  const mean = members.reduce((sum, x) => sum + x, 0) / Math.max(1, members.length)
  console.log(`class ${c}: ${members.length} voxels, mean intensity ${mean.toFixed(3)}`)
}
plan.dispose()
gpu.dispose()
