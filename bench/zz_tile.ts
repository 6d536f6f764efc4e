import { compile } from '../src/autograd/plan.js'
import { input, parameter } from '../src/autograd/value.js'
import { openGpu } from '../src/node/index.js'
import * as ops from '../src/ops/index.js'
const gpu = await openGpu()
const [ci, co] = [+(process.argv[2] ?? 14), +(process.argv[3] ?? 14)]
const ext = [32, 96, 112] as const
const vox = 32 * 96 * 112
const tiles = (process.argv[4] ?? '16,7 16,14 8,14 32,7 16,5').split(' ').map((t) => t.split(',').map(Number))
const plans = []
for (const [x, c] of tiles) {
  ;(globalThis as any).__tile = { x, channels: c }
  const v = input('x', [1, ci, ...ext])
  const w = parameter(
    'w',
    [co, ci, 3, 3, 3],
    Float32Array.from({ length: 27 * ci * co }, () => Math.random() - 0.5),
  )
  const b = parameter('b', [co], new Float32Array(co))
  const t = performance.now()
  const plan = await compile(gpu, { outputs: [ops.conv3d(v, w, b, { activation: 'relu' })] })
  const ct = performance.now() - t
  plan.write(
    v,
    Float32Array.from({ length: ci * vox }, () => Math.random()),
  )
  await plan.run()
  console.log(x, c, 'compile+run', (performance.now() - t).toFixed(0), ct.toFixed(0))
  plans.push({ x, c, plan, best: 1e9, all: [] as number[] })
}
for (let i = 0; i < 24; i++)
  for (const p of plans) {
    const ts = await p.plan.profile()
    const s = ts.filter((t) => t.op === 'conv3d').reduce((a, t) => a + t.seconds, 0)
    p.best = Math.min(p.best, s)
    p.all.push(s)
  }
for (const p of plans) {
  p.all.sort((a, b) => a - b)
  console.log(
    p.x,
    p.c,
    'best',
    ((2 * 27 * ci * co * vox) / p.best / 1e9).toFixed(1),
    'q1',
    ((2 * 27 * ci * co * vox) / p.all[6]! / 1e9).toFixed(1),
    'median',
    ((2 * 27 * ci * co * vox) / p.all[12]! / 1e9).toFixed(1),
  )
}
process.exit(0)
