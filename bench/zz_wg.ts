import { compile } from '../src/autograd/plan.js'
import { input } from '../src/autograd/value.js'
import { openGpu } from '../src/node/index.js'
import { backwardWeight } from '../src/ops/conv3d/backward-weight.js'
const gpu = await openGpu()
const [ci, co] = [+(process.argv[2] ?? 14), +(process.argv[3] ?? 14)]
const ext = [32, 96, 112] as const
const vox = 32 * 96 * 112
const tiles = (process.argv[4] ?? '64,1 64,2 36,2 128,1 128,2 46,2')
  .split(' ')
  .map((t) => t.split(',').map(Number))
const plans = []
for (const [ms, ti, ord] of tiles) {
  ;(globalThis as any).__ord = ord
  ;(globalThis as any).__ms = ms
  ;(globalThis as any).__ti = ti
  const v = input('x', [1, ci, ...ext])
  const g = input('g', [1, co, ...ext])
  const t = performance.now()
  const plan = await compile(gpu, { outputs: [backwardWeight(v, g, [co, ci, 3, 3, 3])] })
  plan.write(
    v,
    Float32Array.from({ length: ci * vox }, () => Math.random()),
  )
  plan.write(
    g,
    Float32Array.from({ length: co * vox }, () => Math.random()),
  )
  await plan.run()
  console.log(ms, ti, 'compile+run', (performance.now() - t).toFixed(0))
  plans.push({ ord, ms, ti, plan, best: 1e9, all: [] as number[] })
}
for (let i = 0; i < 16; i++)
  for (const p of plans) {
    const ts = await p.plan.profile()
    const s = ts.reduce((a, t) => a + t.seconds, 0)
    p.best = Math.min(p.best, s)
    p.all.push(s)
  }
for (const p of plans) {
  p.all.sort((a, b) => a - b)
  console.log(
    p.ord,
    p.ms,
    p.ti,
    'best',
    ((2 * 27 * ci * co * vox) / p.best / 1e9).toFixed(1),
    'q1',
    ((2 * 27 * ci * co * vox) / p.all[4]! / 1e9).toFixed(1),
    'median',
    ((2 * 27 * ci * co * vox) / p.all[8]! / 1e9).toFixed(1),
  )
}
process.exit(0)
