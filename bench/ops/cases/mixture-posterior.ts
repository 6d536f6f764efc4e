import { input } from '../../../src/graph/value.js'
import { mixturePosterior } from '../../../src/ops/index.js'
import { half, type Case } from '../case.js'

const [channels, components] = [16, 28]
const elements = channels * half.reduce((a, b) => a * b)

/** As in the default recipe: two channels in three own two components. */
export const cases: readonly Case[] = [
  {
    op: 'mixture_posterior',
    shape: `${channels} of ${components} x ${half.join('x')}`,
    build: () => {
      const factors = input('factors', [1, 3, components])
      const counts = Array.from({ length: channels }, (_, k) => (k < 2 * channels - components ? 1 : 2))
      const scan = input('scan', [1, 1, ...half])
      const prior = input('prior', [1, channels, ...half])
      return { output: mixturePosterior(scan, prior, { factors, counts }, { least: 1e-7 }), wanted: [] }
    },
    work: { mixture_posterior: { flops: 0, bytes: 4 * elements * 2 } },
  },
]
