// Trains a 3-D U-Net with labels: the upper bound that the paper compares the unsupervised method with. It learns from a
// few brain-like phantoms and is tested on one that it has not seen.
//
//   node examples/supervised-unet/main.mjs
import {
  Adam,
  argmax,
  compile,
  crossEntropy,
  diceScores,
  foregroundClasses,
  input,
  makePhantom,
  meanDice,
  phantomTable,
  priorFromLabels,
  unet,
  Variables,
} from 'sae-webgpu'
import { openGpu } from 'sae-webgpu/node'

const shape = [24, 24, 24]
const epochs = 15
const classes = phantomTable.classes.length
const { subjects } = makePhantom({ seed: 1, shape, subjects: 9 })
const [heldOut, ...seen] = subjects

// Without blur, the prior is the one-hot form of the labels, [K, D, H, W].
const oneHot = ({ labels }) => priorFromLabels(labels, shape, classes, { sigma: 0 })

const network = unet({ classes, widths: [8, 16, 32, 32], instanceNorm: true, seed: 1 })
const scan = input('scan', [1, 1, ...shape])
const target = input('target', [1, classes, ...shape])
const logits = network(scan)
const loss = crossEntropy(logits, target)
const adam = new Adam(network.parameters, { learningRate: 0.01 })

const gpu = await openGpu()
// Both plans share the weights; only the first changes them.
const variables = new Variables(gpu)
const step = await compile(gpu, { outputs: [], report: [loss], effects: adam.minimise(loss), variables })
const segmentation = argmax(logits)
const segment = await compile(gpu, { outputs: [segmentation], variables })

const examples = seen.map((subject) => ({ scan: subject.scan, target: oneHot(subject) }))
for (let epoch = 1; epoch <= epochs; epoch++) {
  let sum = 0
  for (const example of examples) {
    step.write(scan, example.scan)
    step.write(target, example.target)
    const [[value]] = await step.run()
    sum += value
  }
  if (epoch === 1 || epoch % 5 === 0) {
    console.log(`epoch ${epoch}: cross-entropy ${(sum / examples.length).toFixed(4)}`)
  }
}

segment.write(scan, heldOut.scan)
await segment.run()
const found = Uint8Array.from(await segment.readUint(segmentation))
const scores = diceScores(found, heldOut.labels, classes)
const foreground = foregroundClasses(phantomTable)
for (const c of foreground) console.log(`${phantomTable.classes[c].name}: Dice ${scores[c].toFixed(3)}`)
console.log(`held-out phantom: mean Dice ${meanDice(scores, foreground).toFixed(3)}`)

segment.dispose()
step.dispose()
variables.dispose()
gpu.dispose()
