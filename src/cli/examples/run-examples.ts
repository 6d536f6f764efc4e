import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { readBytes } from '../../io/files.js'
import type { Grid } from '../../io/volume.js'
import { classColour, toHex } from '../../report/colours.js'
import { axisAcross } from '../../report/slices.js'
import { epochBatches, loadBatch, type TrainingScan } from '../../sae/training/batches.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { Watch } from '../../sae/training/learner.js'
import { writeOutput } from '../outputs/output-files.js'
import type { RunGrids } from '../grids/match-run.js'
import { decodeExamples, encodeExamples, type Example, type ExampleFile } from './example-file.js'
import { examplePlanes, gridOfRun, planeOf } from './example-planes.js'

export type { ExampleFile } from './example-file.js'

/** The file of examples beside a log. */
export const examplesBeside = (log: string): string => log.replace(/\.csv$/, '-examples.json')

/** More pictures do not fit side by side. */
const most = 12

/**
 * From which epoch to which an example is kept: the smallest power of two by which at most 12 epochs have one. It depends
 * on these numbers alone, so that a run that is resumed keeps those that it would have kept anyway.
 *
 * @param planned epochs of the run; 1 if it may stop at any, and so has to thin out its examples on its way
 */
export function spacingAt(epoch: number, planned: number): number {
  let spacing = 1
  while ((Math.max(epoch, planned) - 1) / spacing >= most) spacing *= 2
  return spacing
}

/** What a run learns from. */
interface Learning {
  readonly scans: readonly TrainingScan[]
  readonly settings: { readonly batchSize: number; readonly seed: number }
  /** Epochs; 1 if nobody knows. */
  readonly planned: number
  readonly table: LabelTable
  /** Of the prior, on which it works. */
  readonly grid: Grid
  readonly grids: RunGrids
}

/**
 * Three planes of the segmentation of one scan, that of the first step, as it develops. The classes are those that a step
 * computes anyway, so this costs the reading of them in some epochs, and changes nothing.
 */
export class RunExamples {
  readonly watch: Watch
  private isSaved = true

  private constructor(
    private readonly path: string,
    /** Its position among the scans of the run. */
    readonly index: number,
    private readonly grid: Grid,
    private readonly planned: number,
    scan: TrainingScan,
    private content: ExampleFile,
  ) {
    this.watch = {
      scan,
      wants: (epoch) => this.isDue(epoch, epoch),
      seen: ({ epoch, step }, classes) => {
        this.keep({ epoch, step, labels: this.slice(classes) })
      },
    }
  }

  /**
   * @param path of the file to write
   * @param step the last that is done: examples of later ones are dropped. Undefined for a new run
   * @throws UserError if the scan cannot be read
   */
  static async open(path: string, run: Learning, step: number | undefined): Promise<RunExamples> {
    const { scans, settings, table, grids } = run
    const scan = epochBatches(scans, settings.batchSize, settings.seed, 0)[0]![0]!
    const index = scans.indexOf(scan)
    const grid = gridOfRun(run.grid, grids, index)
    const before = step === undefined ? undefined : await readExamples(path)
    const content = before && isOf(before, scan, table, grid) ? before : await begin(scan, table, grid)
    const examples = new RunExamples(path, index, grid, run.planned, scan, content)
    examples.goOnFrom(step ?? 0)
    return examples
  }

  /** Drops the examples of later steps, which the run takes again, and those of its end. */
  goOnFrom(step: number): void {
    const examples = this.content.examples.filter((one) => one.step <= step && one.weights === undefined)
    this.isSaved &&= examples.length === this.content.examples.length
    this.content = { ...this.content, examples }
  }

  /** The last example. @param classes by the weights that the run ended with, [D, H, W] @param weights their file */
  end(classes: Uint8Array, weights: string): void {
    const { epoch = 1, step = 1 } = this.content.examples.at(-1) ?? {}
    this.keep({ epoch, step, weights: basename(weights), labels: this.slice(classes) })
  }

  /** Writes what is new. Call it before the weights are saved, so that a run can resume from these. @throws UserError */
  async save(): Promise<void> {
    if (this.isSaved) return
    await writeOutput(this.path, encodeExamples(this.content))
    this.isSaved = true
  }

  private keep(example: Example): void {
    const before = this.content.examples.filter(({ epoch }) => this.isDue(epoch, example.epoch))
    this.content = { ...this.content, examples: [...before, example] }
    this.isSaved = false
  }

  /** Whether an epoch has an example, as things stand at another. */
  private isDue(epoch: number, now: number): boolean {
    return (epoch - 1) % spacingAt(now, this.planned) === 0
  }

  private slice(classes: Uint8Array): Uint8Array[] {
    const { shape } = this.grid
    return this.content.planes.map(({ plane, depth, grid }) =>
      planeOf(classes, shape, axisAcross(grid, plane), depth),
    )
  }
}

/** What a run left; undefined if there is nothing, or it is damaged. @throws UserError if the file cannot be read */
export async function readExamples(path: string): Promise<ExampleFile | undefined> {
  return existsSync(path) ? decodeExamples(await readBytes(path)) : undefined
}

async function begin(scan: TrainingScan, table: LabelTable, grid: Grid): Promise<ExampleFile> {
  const { data } = await loadBatch([scan])
  const [D, H, W] = grid.shape
  return {
    scan: scan.name,
    known: grid.known,
    classes: table.classes.map(({ name }, c) => ({ name, colour: toHex(classColour(c)) })),
    // Of several channels, the first.
    planes: examplePlanes(data.subarray(0, D * H * W), grid),
    examples: [],
  }
}

/** Whether examples are of this scan and this grid. */
function isOf(file: ExampleFile, scan: TrainingScan, table: LabelTable, grid: Grid): boolean {
  return (
    file.scan === scan.name &&
    file.classes.length === table.classes.length &&
    file.planes.every(({ plane, depth, grid: { shape, ...own } }) => {
      const axis = axisAcross({ shape, ...own }, plane)
      return depth < grid.shape[axis] && shape.every((n, i) => n === (i === axis ? 1 : grid.shape[i]))
    })
  )
}
