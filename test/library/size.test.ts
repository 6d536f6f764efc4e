import { gzipSync } from 'node:zlib'
import { build, type Plugin } from 'vite'
import { expect, it } from 'vitest'
import { root } from './installed.js'

/** A page's bundle of what it imports from the library. */
interface Bundle {
  /** Bytes of what the page loads first, gzipped. */
  readonly first: number
  /** Bytes of what it may load later, too. */
  readonly all: number
  /** The names of the parts that it may load later. */
  readonly later: readonly string[]
  /** The kernels in what it loads first. */
  readonly kernels: readonly string[]
  /** The code that it loads first. */
  readonly text: string
}

/** Bundles a page that uses some exports of the library, as Vite does unless it is told otherwise. */
async function bundle(...names: readonly string[]): Promise<Bundle> {
  const page = '\0page'
  const entry: Plugin = {
    name: 'page',
    resolveId: (id) => (id === page ? id : undefined),
    load: (id) =>
      id === page
        ? `import { ${names.join(', ')} } from ${JSON.stringify(`${root}/src/index.ts`)}\nglobalThis.used = [${names.join(', ')}]`
        : undefined,
  }
  const made = await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [entry],
    build: { write: false, target: 'es2022', rolldownOptions: { input: page } },
  })
  if (Array.isArray(made) || !('output' in made)) throw new Error('one output is expected')
  const chunks = made.output.filter((file) => file.type === 'chunk')
  const [start] = chunks.filter(({ isEntry }) => isEntry)
  // A chunk that the entry imports statically is loaded at once, too.
  const first = new Set([start!.fileName, ...start!.imports])
  const bytes = (some: typeof chunks): number =>
    some.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
  const text = chunks.flatMap(({ fileName, code }) => (first.has(fileName) ? [code] : [])).join('\n')
  return {
    first: bytes(chunks.filter(({ fileName }) => first.has(fileName))),
    all: bytes(chunks),
    later: chunks.flatMap(({ fileName, name }) => (first.has(fileName) ? [] : [name])).sort(),
    kernels: [...text.matchAll(/\(["'`]([a-z0-9_]+\/[a-z0-9_]+)["'`],/g)].map(([, name]) => name!),
    text,
  }
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`
const figures = (what: string, { first, all, kernels }: Bundle): string =>
  `${what}: ${kB(first)}, minified and gzipped, with ${kernels.length} kernels; up to ${kB(all)} with what it may load later`

/** What a page needs that makes a prior, trains, keeps the weights and segments. */
const sae = [
  'openDevice',
  'Variables',
  'priorFromLabels',
  'checkPrior',
  'createModel',
  'defaultArchitecture',
  'defaultPretraining',
  'defaultTraining',
  'Pretrainer',
  'Trainer',
  'Segmenter',
  'saveCheckpoint',
  'checkpointInfo',
  'loadTensors',
]

/** What the self-check of a device brings with it, which no page pays for that does not ask for it. */
const selfCheckOnly = /computes wrongly|do not fill an array/

/** Kernels of the method, of no use to a network of convolutions. */
const methodOnly =
  /^(mixture_posterior|mrf|neighbour_sums|posterior|gumbel_softmax|kl_divergence|label_conv3d|support_mask)\//

/** What no program loads before it asks for it. */
const rare = ['describe', 'draft-in-slabs', 'includes', 'profile', 'warm-up']

it('gives a page with one op at most 15 kB, and nothing of what it may never need', async () => {
  const one = await bundle('openDevice', 'compile', 'input', 'relu')
  const sum = await bundle('openDevice', 'compile', 'input', 'add')
  console.log(figures('ReLU in a page', one))
  console.log(figures('a sum in a page', sum))
  expect(one.first).toBeLessThanOrEqual(15_000)
  // A bundler leaves the kernels in one piece, with the one that slabs need.
  expect([...one.kernels].sort()).toEqual(['elementwise/move', 'relu/backward', 'relu/forward'])
  expect(one.later).toEqual(rare)
  // Its operands are repeated, so that its gradient is summed over axes.
  expect(sum.first).toBeLessThanOrEqual(17_600)
  expect([...sum.kernels].sort()).toEqual(['arithmetic/forward', 'elementwise/move', 'reduce/axes'])
})

it('gives a page that trains at most 60 kB, one that segments too little more, one with a convolution far less', async () => {
  const whole = await bundle(...sae)
  const training = await bundle(...sae.filter((name) => !/Segmenter|[pP]retrain/.test(name)))
  const small = await bundle('compile', 'conv3d', 'relu', 'Adam')
  console.log(figures('SAE in a page', whole))
  console.log(figures('SAE training alone', training))
  console.log(figures('convolution, ReLU, Adam', small))
  expect(training.first).toBeLessThanOrEqual(60_000)
  expect(whole.first).toBeLessThanOrEqual(62_400)
  expect(whole.all).toBeLessThanOrEqual(68_800)
  expect(whole.later).toEqual(rare)
  expect(whole.text).not.toMatch(selfCheckOnly)
  expect(small.first).toBeLessThan(0.6 * whole.first)
  expect(whole.kernels.filter((name) => methodOnly.test(name))).not.toEqual([])
  expect(small.kernels).toEqual(
    expect.arrayContaining(['conv3d/forward', 'conv3d/backward_weight', 'adam/update']),
  )
  expect(small.kernels.filter((name) => methodOnly.test(name))).toEqual([])
})
