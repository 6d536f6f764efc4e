import { input } from '/work/main/src/autograd/value.js'
import { nodesBehind } from '/work/main/src/autograd/gradients.js'
import { findSweep, planSweep } from '/work/main/src/autograd/sweep.js'
import { schedule } from '/work/main/src/autograd/schedule.js'
import { Adam } from '/work/main/src/optim/index.js'
import { createModel, defaultArchitecture } from '/work/main/src/sae/model.js'
import { saeObjective } from '/work/main/src/sae/objective.js'
const extents = (process.argv[2] ?? '160x192x224').split('x').map(Number) as [number, number, number]
const model = createModel(defaultArchitecture(14))
const adam = new Adam(model.parameters)
const counter = input('noise counter', [2], { dtype: 'u32' })
const o = saeObjective(model, input('scan', [1, 1, ...extents]), counter, {
  beta: 0.01,
  neighbourhood: +(process.argv[3] ?? 3),
  temperature: 2 / 3,
})
const nodes = nodesBehind([o.loss], adam.minimise(o.loss)).sort((a, b) => a.id - b.id)
const kept = new Set([o.loss])
let t = performance.now()
const block = findSweep(nodes, kept)
console.log('find', performance.now() - t, nodes.length)
console.log(block.map((n) => n.op).join(', '))
for (const T of [96, 64, 48, 32, 24, 16, 8]) {
  const s = planSweep(block, nodes, kept, T)
  const sum = new Map<string, number>()
  for (const r of s.slabs)
    for (const [n, { first, last }] of r.ranges)
      sum.set(n.op + n.id, (sum.get(n.op + n.id) ?? 0) + (last - first) / n.slices!.planes)
  if (T == 32) console.log([...sum].map(([k, v]) => k + ' ' + v.toFixed(2)).join('; '))
}
for (const lim of [5e9, 2.2e9, 1.8e9, 1.6e9, 1.4e9, 1.2e9, 1e9, 0.8e9]) {
  t = performance.now()
  const s = schedule(nodes, kept, lim)
  console.log(
    lim / 1e9,
    (s.bytes / 1e9).toFixed(3),
    s.sweep?.slabs.length,
    (performance.now() - t).toFixed(0) + 'ms',
  )
  if (lim === 1.4e9 || lim == 1.6e9)
    console.log(
      s.memory.slots
        .map((b) => (b / 1e6).toFixed(0))
        .filter((x) => +x > 5)
        .join(' '),
      [...(s.sweep?.strips ?? [])].map(([v, p]) => v.name + ':' + p).join(' '),
    )
}
