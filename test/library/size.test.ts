import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { root } from './installed.js'

/** A page's bundle of what it imports from the library: its bytes, gzipped, and the kernels in it. */
async function bundle(
  ...names: readonly string[]
): Promise<{ bytes: number; kernels: string[]; text: string }> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names.join(', ')} } from './src/index.js'`, resolveDir: root },
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  })
  const { contents, text } = outputFiles[0]!
  const kernels = [...text.matchAll(/name:"([a-z0-9_]+\/[a-z0-9_]+)",text:/g)].map(([, name]) => name!)
  return { bytes: gzipSync(contents, { level: 9 }).length, kernels, text }
}

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
const methodOnly = /^(mrf|neighbour_sums|posterior|gumbel_softmax|kl_divergence|label_conv3d|support_mask)\//

it('gives a page that trains and segments at most 63 kB, and one with a convolution far less', async () => {
  const whole = await bundle(...sae)
  const small = await bundle('compile', 'conv3d', 'relu', 'Adam')
  console.log(`SAE in a page: ${whole.bytes} bytes, minified and gzipped; ${whole.kernels.length} kernels`)
  console.log(`convolution, ReLU, Adam: ${small.bytes} bytes; ${small.kernels.length} kernels`)
  expect(whole.bytes).toBeLessThanOrEqual(63_000)
  expect(whole.text).not.toMatch(selfCheckOnly)
  expect(small.bytes).toBeLessThan(0.6 * whole.bytes)
  expect(whole.kernels.filter((name) => methodOnly.test(name))).not.toEqual([])
  expect(small.kernels).toEqual(
    expect.arrayContaining(['conv3d/forward', 'conv3d/backward_weight', 'adam/update']),
  )
  expect(small.kernels.filter((name) => methodOnly.test(name))).toEqual([])
})
