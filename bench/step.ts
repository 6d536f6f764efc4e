// npm run bench:step [-- SIZE ... default:SIZE ... first]: a whole SAE step (forward, backward, Adam, MRF) by size, of the paper's
// recipe or the default one: time by kernel group, memory, the host's share; and the first step of `sae train` from the start of
// the process.
import { compile } from '../src/plan/compile.js'
import { Variables } from '../src/plan/variables.js'
import { openGpu } from '../src/node/index.js'
import { measureFirstStep } from './first-step.js'
import { measure, median, provenance, publish, short, type Row } from './harness.js'
import { numbers } from './ops/case.js'
import { bars } from './plot.js'
import { extentsOf, saeStep } from './sae-step.js'

/** The size whose first step is measured. */
const firstStepSize = '80x96x112'
const defaultSizes = ['32x32x32', '32x48x32', '48x64x64', '80x96x112', 'default:80x96x112', '160x192x224']
/** A word instead of a size: measure the first step of a process. */
const firstStep = 'first'
const wanted = process.argv.length > 2 ? process.argv.slice(2) : [...defaultSizes, firstStep]
const sizes = wanted.filter((size) => size !== firstStep)

/** Kernel groups, by the start of the node's name. */
const groups: readonly (readonly [string, RegExp])[] = [
  ['conv', /^conv3d$/],
  ['grad input', /^conv3d backward input/],
  ['grad weight', /^conv3d backward (weight|bias)/],
  ['MRF', /^(neighbour_sums|mrf)/],
  ['posterior', /^(posterior|mixture_posterior|label_conv3d)/],
  ['rest', /./],
]

const notes =
  "MB are 1e6 bytes. `host` is the part of the time in which the device is idle: the wall-clock time of several steps minus the time between the first and last timestamp of each, with two steps under way, as in training, and alone, one after the other. The groups are timed dispatch by dispatch, in a separate run; `posterior` includes the decoder, whose input is the sample. `default:` is a step of the default recipe (16 channels of 14 classes, instance normalisation, a mixture as target), the others are of the paper's."

const gpu = await openGpu()
/** Measurements of one size. */
interface Measured {
  readonly row: Row
  readonly seconds: number
  /** Nanoseconds per voxel of each kernel group. */
  readonly perVoxel: readonly number[]
}
const measured: Measured[] = []
for (const size of sizes) {
  measured.push(await run(size))
  console.log(measured.at(-1)!.row)
}
// A shared machine has slow minutes, which would distort the comparison: repeat all sizes but the last, and keep the
// faster run of each.
for (const [i, size] of sizes.slice(0, -1).entries()) {
  const again = await run(size)
  if (again.seconds < measured[i]!.seconds) measured[i] = again
}
const rows = measured.map(({ row }) => row)
const perVoxel = groups.map(([name], g) => ({ name, values: measured.map(({ perVoxel }) => perVoxel[g]!) }))
const where = provenance(gpu)
const svg = bars(
  `Whole SAE step by size: ${where.adapter}`,
  'volume, voxels',
  'time on the device, ns per voxel',
  rows.map(({ size }) => String(size)),
  perVoxel,
)
if (rows.length > 0) publish('step', 'Whole SAE step by size', where, rows, svg, notes)
// An archive made by tools/pack.mjs has no commands.
if (wanted.includes(firstStep) && !process.env.SAE_COMMIT) {
  gpu.dispose()
  const first = await measureFirstStep(extentsOf(firstStepSize))
  publish(
    'first-step',
    'First step of sae train, from the start of the process',
    where,
    first,
    undefined,
    undefined,
    'bench:step',
  )
}
process.exit(0)

async function run(size: string): Promise<Measured> {
  const [recipe, extent] = size.startsWith('default:')
    ? (['default', size.slice(8)] as const)
    : (['paper', size] as const)
  const extents = extentsOf(extent)
  const voxels = extents.reduce((a, b) => a * b)
  const variables = new Variables(gpu)
  const { objective, counter, adam, request } = saeStep(extents, recipe)
  gpu.buffers.resetPeak()
  const compiling = performance.now()
  const plan = await compile(gpu, { ...request, variables })
  await plan.warmUp()
  const compiled = (performance.now() - compiling) / 1000
  const channels = objective.prior.shape[1]!
  plan.write(objective.prior, new Float32Array(channels * voxels).fill(1 / channels))
  plan.write(objective.mrfTable, new Float32Array(channels ** 2).fill(Math.log(1 / channels)))
  plan.write(objective.reconstructionWeight, Float32Array.of(5))
  if (objective.mixture) {
    plan.write(objective.mixture.factors, numbers(objective.mixture.factors.size, 1))
    plan.write(objective.mixture.field!, new Float32Array(voxels).fill(1))
  }
  let step = 0
  const scan = numbers(voxels, 1)
  const prepare = () => {
    step++
    plan.write(objective.scan, scan)
    plan.write(counter, Uint32Array.of(0, step))
    plan.write(adam.schedule, adam.scheduleAt(step))
  }
  const seconds = await measure('step', async () => {
    prepare()
    const [loss] = await plan.run()
    if (!Number.isFinite(loss![0])) throw new Error(`the loss is ${loss![0]!} at step ${step}`)
  })
  // The inputs of one run may be written before another's commands are submitted; that changes no times.
  const start = () => {
    prepare()
    return plan.timedRun()
  }
  // Of long steps, few will do: the shares are small.
  const runs = Math.min(10, Math.max(2, Math.ceil(5 / seconds)))
  const shares = [1, 2].map(() => [] as number[])
  for (let i = 0; i < 3; i++)
    for (const inFlight of [1, 2]) shares[inFlight - 1]!.push(await hostShare(start, inFlight, runs))
  const byGroup = new Map<string, number>(groups.map(([name]) => [name, 0]))
  for (const time of await plan.profile()) {
    const [name] = groups.find(([, pattern]) => pattern.test(time.op))!
    byGroup.set(name, byGroup.get(name)! + time.seconds)
  }
  const row = {
    size,
    'step s': short(seconds),
    'us a voxel': short((1e6 * seconds) / voxels),
    'host %': (100 * median(shares[1]!)).toFixed(1),
    'host % alone': (100 * median(shares[0]!)).toFixed(1),
    ...Object.fromEntries([...byGroup].map(([name, value]) => [`${name} s`, short(value)])),
    'peak MB': short(gpu.buffers.peakBytes / 1e6),
    slabs: plan.slabs,
    dispatches: plan.length,
    'compile s': compiled.toFixed(1),
  }
  plan.dispose()
  variables.dispose()
  return { row, seconds, perVoxel: groups.map(([name]) => (1e9 * byGroup.get(name)!) / voxels) }
}

/**
 * The part of the time in which the device is idle. Compares wall-clock and device time of the same runs, because runs
 * differ by more than the host's share.
 *
 * @param start starts a run and returns the seconds that the device takes
 * @param inFlight runs under way at once
 * @param runs how many in all
 */
async function hostShare(start: () => Promise<number>, inFlight: number, runs: number): Promise<number> {
  const begin = performance.now()
  const under: Promise<number>[] = []
  let busy = 0
  for (let i = 0; i < runs; i++) {
    under.push(start())
    if (under.length === inFlight) busy += await under.shift()!
  }
  for (const run of under) busy += await run
  return 1 - busy / ((performance.now() - begin) / 1000)
}
