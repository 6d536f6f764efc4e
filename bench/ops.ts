// npm run bench:ops: every kernel at several shapes; time on the device, rates, and the share of the device's roofline.
// With part of a case's name it prints the rows of those cases and does not change bench/results.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from '../src/plan/compile.js'
import { gradients } from '../src/graph/gradients.js'
import { input, type Value } from '../src/graph/value.js'
import { openGpu } from '../src/node/index.js'
import { dot } from '../src/ops/index.js'
import { median, provenance, publish, short, table, type Row } from './harness.js'
import { numbers, type Case } from './ops/case.js'
import { mrfTerm } from './ops/cases/mrf.js'
import { validate } from './ops/validate.js'
import { horizontalBars, type Bar } from './plot.js'
import { measureRoofline } from './roofline.js'

const repeats = 7
const gpu = await openGpu()
const only = process.argv[2]
await validate(gpu)
const roofline = await measureRoofline(gpu)
console.log(`roofline: ${short(roofline.flops / 1e9)} GFLOP/s, ${short(roofline.bytes / 1e9)} GB/s`)

/** Each op has a file with its cases. */
const files = readdirSync(join(import.meta.dirname, 'ops', 'cases')).sort()
const modules = files.map((name) => import(`./ops/cases/${name}`) as Promise<{ cases: readonly Case[] }>)
const cases = (await Promise.all(modules)).flatMap((module) => module.cases)

const rows: Row[] = []
const shares: Bar[] = []
for (const item of cases.filter(({ op }) => !only || op.includes(only))) rows.push(...(await run(item)))
const where = provenance(gpu)
const ceiling = `${short(roofline.flops / 1e9)} GFLOP/s, ${short(roofline.bytes / 1e9)} GB/s`
const svg = horizontalBars(`Kernels: ${where.adapter}, roofline ${ceiling}`, 'share of the roofline, %', [
  { title: '', bars: shares },
])
if (only) console.log(`\n${table(rows)}\n\n${notes() ?? ''}`)
else publish('ops', 'Kernels', where, rows, svg, notes())
process.exit(0)

/** Compares the times of the MRF term, if both of its sizes ran. */
function notes(): string | undefined {
  const total = (k: number) =>
    rows.filter(({ op }) => op === `${mrfTerm} k=${k}`).reduce((sum, { ms }) => sum + Number(ms), 0)
  if (!total(3) || !total(21)) return undefined
  return `MRF term, k = 21 against k = 3: ${short(total(21))} to ${short(total(3))} ms, ${short(total(21) / total(3))} times.`
}

/** Times each node of a case, median over repeats; one row per node. */
async function run({ op, shape, build, work }: Case): Promise<Row[]> {
  const graph = build()
  const compiling = performance.now()
  const plan = await compile(
    gpu,
    'effects' in graph ? { outputs: [], ...graph } : { outputs: withGradients(graph) },
  )
  await plan.warmUp()
  const compiled = (performance.now() - compiling) / 1000
  for (const value of plan.inputs) plan.write(value, numbers(value.size, 1))
  await plan.run()
  const samples = new Map<string, number[]>()
  for (let i = 0; i < repeats; i++) {
    const perNode = new Map<string, number>()
    for (const { op: node, seconds } of await plan.profile())
      perNode.set(node, (perNode.get(node) ?? 0) + seconds)
    for (const [node, seconds] of perNode) samples.set(node, [...(samples.get(node) ?? []), seconds])
  }
  plan.dispose()
  return Object.entries(work).map(([node, { flops, bytes }]) => {
    const seconds = median(samples.get(node) ?? [])
    const floor = Math.max(flops / roofline.flops, bytes / roofline.bytes)
    const share = (100 * floor) / seconds
    shares.push({
      name: `${op}, ${shape}: ${node.replace(/^\w+ ?/, '') || 'forward'}`,
      value: share,
      label: share.toFixed(0),
    })
    return {
      op,
      shape,
      node,
      ms: short(seconds * 1000),
      'GFLOP/s': flops > 0 ? short(flops / seconds / 1e9) : '',
      'GB/s': short(bytes / seconds / 1e9),
      'of roofline': `${share.toFixed(0)} %`,
      'compile s': compiled.toFixed(1),
    }
  })
}

/** The output and its gradients; the incoming gradient is an input too. */
function withGradients({ output, wanted }: { output: Value; wanted: readonly Value[] }): Value[] {
  const incoming = output.size === 1 ? output : dot(output, input('incoming', output.shape))
  return [output, ...gradients(incoming, wanted)]
}
