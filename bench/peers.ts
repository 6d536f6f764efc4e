// npm run bench:peers [-- --sizes s,m,l --items conv,transposed,unet,step,segment --peers ours,... --limit SECONDS --as NAME]: the
// same work by our engine and by its peers, side by side. bench/peers/ holds one file per peer.
import { parseArgs } from 'node:util'
import { openGpu } from '../src/node/index.js'
import { provenance, publish, short, type Row } from './harness.js'
import { tolerance } from './peers/compare.js'
import { installPeers } from './peers/install.js'
import { listPeers, peerNames } from './peers/list.js'
import { compete, type Outcome } from './peers/session.js'
import { items, listWork, type Item, type Work } from './peers/work.js'
import { horizontalBars, type BarPanel } from './plot.js'

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: 's,m,l' },
    items: { type: 'string', default: items.join() },
    peers: { type: 'string', default: peerNames.join() },
    limit: { type: 'string', default: '180' },
    as: { type: 'string', default: 'peers' },
  },
})
const wantedItems = listOf(values.items, items) as Item[]
const wantedPeers = listOf(values.peers, peerNames)
const limit = Number(values.limit)
if (!(limit > 0)) throw new Error(`--limit must be a number of seconds, not ${values.limit}`)

process.on('SIGINT', () => process.exit(130))

const needed = wantedPeers.some((name) => /^(tfjs|jax|onnx)/.test(name))
const peers = listPeers(needed && installPeers()).filter(({ name }) => wantedPeers.includes(name))
const gpu = await openGpu()
const where = provenance(gpu)
gpu.dispose()

const notes = [
  '`ms` is the median of the runs, `best ms` the fastest. PyTorch takes the number of threads and the memory format that are',
  'fastest for it, and runs once as it comes and once with threads that sleep while they wait (OMP_WAIT_POLICY=passive) and',
  'with memory that is kept for the next tensor (MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1099511627776), as onnxruntime-cpu is.',
  'Every peer gets the same inputs and weights, and is timed only after its results agree with the trusted ones',
  `(PyTorch's, or ours where that is missing) within a relative error of ${tolerance}. Ours is timed first and last.`,
  "Process memory is the peak of the peer's whole process, including checks and a software GPU's memory.",
].join('\n')
const rows: Row[] = []
const panels: BarPanel[] = []
for (const work of listWork(wantedItems, values.sizes.split(','))) {
  const able = peers.filter(({ does }) => does.includes(work.name))
  const outcomes = await compete(work, able, limit)
  const name = `${work.name}, ${work.extents.join('x')}`
  rows.push(...outcomes.map((outcome) => rowOf(work, outcome, outcomes)))
  panels.push({
    title: name,
    bars: outcomes.map(({ peer, milliseconds, remark }) => ({
      name: peer.label,
      value: milliseconds,
      label: milliseconds === undefined ? remark.slice(0, 80) : short(milliseconds),
      highlight: peer.name === 'ours',
    })),
  })
  console.log(name)
  for (const { peer, milliseconds, remark } of outcomes)
    console.log(
      `  ${peer.label}: ${milliseconds === undefined ? '' : `${short(milliseconds)} ms, `}${remark}`,
    )
}
const title = `Peers side by side: ${where.adapter}, ${where.processor}`
const svg = horizontalBars(title, 'time, ms (log scale)', panels, 'log')
publish(
  values.as,
  'The same work by our engine and its peers',
  where,
  rows,
  svg,
  notes,
  ['bench:peers', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
)
process.exit(0)

function rowOf(work: Work, outcome: Outcome, all: readonly Outcome[]): Row {
  const { peer, milliseconds, bestMilliseconds, processBytes, bufferBytes, setting, remark } = outcome
  const ours = all.find((other) => other.peer.name === 'ours')?.milliseconds
  const megabytes = (bytes: number | undefined) => (bytes === undefined ? '' : short(bytes / 1e6))
  const timed = milliseconds !== undefined
  return {
    item: work.name,
    size: work.extents.join('x'),
    peer: peer.label,
    ms: timed ? short(milliseconds) : '',
    'best ms': bestMilliseconds === undefined ? '' : short(bestMilliseconds),
    'GFLOP/s': timed && work.flops ? short(work.flops / milliseconds / 1e6) : '',
    'ratio to ours': timed && ours ? short(milliseconds / ours) : '',
    'process MB': megabytes(processBytes),
    'GPU buffers MB': megabytes(bufferBytes),
    remark: setting === undefined ? remark : `${remark}; ${setting}`,
  }
}

function listOf(option: string, known: readonly string[]): string[] {
  const names = option.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`${unknown}? There are ${known.join(', ')}`)
  return names
}
