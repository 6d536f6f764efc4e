import { join } from 'node:path'
import { writeOutput } from '../outputs/output-files.js'
import { renderCurves } from '../../report/curves.js'
import { renderFigure } from '../../report/figure.js'
import { encodePng } from '../../report/png.js'
import { phantomTable } from '../../sae/phantom/phantom.js'
import type { Segmentation } from '../../sae/segmenter.js'
import type { DemoData } from './demo-data.js'
import type { Terminal } from '../terminal.js'

/** Mean Dice with the truth at the end of every epoch of one training. */
export interface Curve {
  readonly title: string
  readonly dice: readonly number[]
}

/** Mean Dice of the methods that need no training. */
interface Baselines {
  /** Of the prior's own argmax. */
  readonly prior: number
  /** Of expectation maximisation. */
  readonly em: number
}

/** Prints the curves as columns, for about ten epochs. */
export function printCurves(curves: readonly Curve[], { prior, em }: Baselines, terminal: Terminal): void {
  const epochs = curves[0]!.dice.length
  const every = Math.max(1, Math.ceil(epochs / 10))
  terminal.print(`\nmean Dice by epoch (the prior's own argmax: ${prior.toFixed(3)}, EM: ${em.toFixed(3)})`)
  terminal.print(['epoch'.padStart(6), ...curves.map(({ title }) => title.padStart(20))].join(''))
  for (let epoch = 1; epoch <= epochs; epoch++) {
    if (epoch > 1 && epoch < epochs && epoch % every !== 0) continue
    const values = curves.map(({ dice }) => dice[epoch - 1]!.toFixed(3).padStart(20))
    terminal.print([String(epoch).padStart(6), ...values].join(''))
  }
}

/** Draws the curves, with the baselines as horizontal lines. */
export async function writeCurves(
  path: string,
  curves: readonly Curve[],
  baselines: Baselines,
): Promise<void> {
  const x = curves[0]!.dice.map((_, i) => i + 1)
  const level = (name: string, value: number) => ({ name, values: x.map(() => value), x })
  const svg = renderCurves({
    title: 'Overlap with the truth while training',
    series: [
      ...curves.map(({ title, dice }) => ({ name: title, values: dice, x })),
      level("the prior's own argmax", baselines.prior),
      level('EM', baselines.em),
    ],
    xLabel: 'epoch',
    yLabel: 'mean Dice',
  })
  await writeOutput(path, svg)
}

/** Draws the first phantom: the inputs, the results and the truth. */
export async function writeFigure(
  folder: string,
  { scans, prior, grid }: DemoData,
  { classes, posterior, reconstruction }: Segmentation,
): Promise<void> {
  const { data, truth } = scans[0]!
  const picture = renderFigure(
    [
      { kind: 'intensity', title: 'scan', values: data },
      { kind: 'probabilities', title: 'prior', values: prior.data },
      { kind: 'probabilities', title: 'posterior', values: posterior! },
      { kind: 'labels', title: 'segmentation', values: classes },
      { kind: 'labels', title: 'truth', values: truth },
      { kind: 'intensity', title: 'reconstruction', values: reconstruction! },
    ],
    { shape: grid.shape, classNames: phantomTable.classes.map(({ name }) => name) },
  )
  await writeOutput(join(folder, 'figure.png'), encodePng(picture))
}
