import { input } from '../src/autograd/value.js'
import { nodesBehind } from '../src/autograd/gradients.js'
import { findSweep } from '../src/autograd/sweep.js'
import { schedule } from '../src/autograd/schedule.js'
import { createModel, defaultArchitecture } from '../src/sae/model.js'
import { argmax, supportMask } from '../src/ops/index.js'
const model = createModel(defaultArchitecture(14))
const ext = [160, 192, 224]
const s = input('scan', [1, 1, ...ext]),
  p = input('prior', [1, 14, ...ext])
const out = argmax(supportMask(model.encoder(s), p))
const nodes = nodesBehind([out]).sort((a, b) => a.id - b.id)
console.log(
  findSweep(nodes, new Set([out]))
    .map((n) => n.op)
    .join(', '),
)
for (const l of [5e9, 1.5e9, 0.8e9, 0.7e9, 0.6e9]) {
  const sc = schedule(nodes, new Set([out]), l)
  console.log(l / 1e9, sc.bytes / 1e9, sc.sweep?.slabs.length)
}
