// Trains an attention block (Vaswani et al. 2017) to read sequences of letters backwards: every place has to find the one
// that lies as far from the other end.
//
//   node examples/attention/main.mjs
import {
  add,
  Adam,
  compile,
  crossEntropy,
  gather,
  input,
  kaimingNormal,
  linearLayer,
  matmul,
  multiply,
  parameter,
  relu,
  reshape,
  seededRandom,
  softmax,
  transpose,
  Variables,
} from 'sae-webgpu'
import { openGpu } from 'sae-webgpu/node'

const [batch, places, letters] = [32, 10, 8]
const [heads, width] = [2, 32]
const random = seededRandom(1)

/** A table of vectors, drawn at random. */
const table = (name, rows) =>
  parameter(name, [rows, width], kaimingNormal(random, { gain: 1 })([rows, width]))
const embedding = table('embedding', letters)
const positions = table('positions', places)
const linear = (name, outputs = width) => linearLayer(name, width, outputs, random)
const [query, key, value, joined] = ['query', 'key', 'value', 'joined'].map((name) => linear(name))
const [hidden, head] = [linear('hidden'), linear('head', letters)]
const layers = [query, key, value, joined, hidden, head]
const parameters = [embedding, positions, ...layers.flatMap((layer) => layer.parameters)]

/** [batch, places, width] -> [batch, heads, places, width / heads] */
const split = (x) => transpose(reshape(x, [batch, places, heads, width / heads]), [0, 2, 1, 3])

/** Every place reads all places, by how well its query fits their keys. */
function attend(x) {
  const scores = matmul(split(query(x)), transpose(split(key(x)), [0, 1, 3, 2]))
  const read = matmul(softmax(multiply(scores, (heads / width) ** 0.5), -1), split(value(x)))
  return joined(reshape(transpose(read, [0, 2, 1, 3]), [batch, places, width]))
}

function network(text) {
  const x = add(gather(embedding, text), positions)
  return head(relu(hidden(add(x, attend(x)))))
}

const text = input('text', [batch, places], { dtype: 'u32' })
// Losses are for volumes [N, classes, D, H, W]: every letter is a volume of one voxel.
const target = input('target', [batch * places, 1, 1, 1, 1], { dtype: 'u32' })
const logits = network(text)
const loss = crossEntropy(reshape(logits, [batch * places, letters, 1, 1, 1]), target)

const gpu = await openGpu()
const variables = new Variables(gpu)
const adam = new Adam(parameters, { learningRate: 5e-3 })
const step = await compile(gpu, { outputs: [], report: [loss], effects: adam.minimise(loss), variables })
const reading = await compile(gpu, { outputs: [logits], variables })

/** Texts, and the same backwards. */
function draw() {
  const text = Uint32Array.from({ length: batch * places }, () => Math.floor(letters * random()))
  const mirrored = (i) => i - (i % places) + places - 1 - (i % places)
  return { text, backwards: text.map((_, i) => text[mirrored(i)]) }
}

let sum = 0
for (let i = 1; i <= 150; i++) {
  const drawn = draw()
  step.write(text, drawn.text)
  step.write(target, drawn.backwards)
  const [[value]] = await step.run()
  sum += value
  if (i % 50 !== 0) continue
  console.log(`steps ${i - 49} to ${i}: mean loss ${(sum / 50).toFixed(4)}`)
  sum = 0
}

const drawn = draw()
reading.write(text, drawn.text)
await reading.run()
const scores = await reading.read(logits)
const best = (i) => {
  const own = scores.subarray(i * letters, (i + 1) * letters)
  return own.indexOf(Math.max(...own))
}
const right = drawn.backwards.filter((letter, i) => best(i) === letter).length
console.log(`new texts: accuracy ${(right / (batch * places)).toFixed(3)}`)

reading.dispose()
step.dispose()
variables.dispose()
gpu.dispose()
