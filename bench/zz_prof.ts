import { compile } from '/work/main/src/autograd/plan.js'
import { input } from '/work/main/src/autograd/value.js'
import { Variables } from '/work/main/src/autograd/variables.js'
import { openGpu } from '/work/main/src/node/index.js'
import { Adam } from '/work/main/src/optim/index.js'
import { createModel, defaultArchitecture } from '/work/main/src/sae/model.js'
import { saeObjective } from '/work/main/src/sae/objective.js'
const extents = (process.argv[2] ?? '80x96x112').split('x').map(Number) as [number, number, number]
const voxels = extents.reduce((a, b) => a * b)
const gpu = await openGpu()
const model = createModel(defaultArchitecture(14))
const variables = new Variables(gpu)
const adam = new Adam(model.parameters)
const counter = input('noise counter', [2], { dtype: 'u32' })
const o = saeObjective(model, input('scan', [1, 1, ...extents]), counter, {
  beta: 0.01,
  neighbourhood: 3,
  temperature: 2 / 3,
})
const plan = await compile(gpu, {
  outputs: [],
  report: [o.loss],
  effects: adam.minimise(o.loss),
  variables,
  ...(process.env.LIM ? { memoryLimit: +process.env.LIM } : {}),
})
plan.write(
  o.scan,
  Float32Array.from({ length: voxels }, () => Math.random()),
)
plan.write(o.prior, new Float32Array(14 * voxels).fill(1 / 14))
plan.write(o.mrfTable, new Float32Array(196).fill(Math.log(1 / 14)))
plan.write(o.reconstructionWeight, Float32Array.of(5))
plan.write(counter, Uint32Array.of(0, 1))
plan.write(adam.schedule, adam.scheduleAt(1))
const t0 = performance.now()
await plan.run()
console.log('first', (performance.now() - t0).toFixed(0))
for (let i = 0; i < 2; i++) {
  const t = performance.now()
  await plan.run()
  console.log('run', (performance.now() - t).toFixed(0), 'ms')
}
const ts = await plan.profile()
let sum = 0
for (const t of ts) sum += t.seconds
console.log('sum', sum, ts.length)
const l = ts.map((t, i) => ({ i, ...t })).filter((t) => t.seconds > 0.004)
for (const t of l) console.log(t.i, t.op, t.shader, (t.seconds * 1e3).toFixed(1))
console.log('slabs', plan.slabs, 'bytes', plan.bytes / 1e6, 'peak', gpu.buffers.peakBytes / 1e6)
process.exit(0)
