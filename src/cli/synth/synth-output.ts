import { join } from 'node:path'
import { UserError } from '../../errors.js'
import type { Grid } from '../../io/volume.js'
import { labelVoxelType } from '../../io/voxel-type.js'
import { toCodes } from '../../sae/labels/label-codes.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { SyntheticScan } from '../../sae/synth/synthesiser.js'
import { formatDsegTable } from '../tables/dseg-table.js'
import { describeValues } from '../inputs/label-maps.js'
import { subjectName } from '../outputs/file-names.js'
import { writeOutput, writeOutputVolume } from '../outputs/output-files.js'
import type { Anatomy } from './synth-anatomy.js'

/** The files of a synthetic cohort in one folder. */
export class SynthOutput {
  private readonly suffixes: readonly string[]
  private readonly rows: string[] = []

  /**
   * @param contrasts as on the command line
   * @throws UserError if two of them have one name
   */
  constructor(
    private readonly folder: string,
    private readonly count: number,
    contrasts: readonly string[],
    private readonly table: LabelTable,
  ) {
    this.suffixes = contrasts.map((contrast) => ({ t1: 'T1w', t2: 'T2w' })[contrast] ?? suffixOf(contrast))
    const twice = this.suffixes.find((suffix, i) => this.suffixes.indexOf(suffix) !== i)
    if (twice !== undefined)
      throw new UserError(`--contrast ${contrasts.join()}: two contrasts would be written as ${twice}`)
  }

  /**
   * Writes the scans of subject `i`, one for each contrast, made from that anatomy.
   *
   * @returns its name
   * @throws UserError if a file cannot be written
   */
  async write(
    i: number,
    made: readonly SyntheticScan[],
    grid: Grid,
    { name: from, painted }: Anatomy,
  ): Promise<string> {
    const name = this.nameOf(i)
    const [segmentation, table] = this.endingsOf(i, 'dseg.nii.gz', 'dseg.tsv')
    const { labels, acquisition } = made[0]!
    await writeOutput(table!, formatDsegTable(this.table, 'codes'))
    const data = toCodes(labels, this.table)
    const type = labelVoxelType(data)
    const map = {
      data,
      channels: 1,
      grid,
      source: segmentation!,
      description: describeValues(this.table, 'codes'),
    }
    await writeOutputVolume(segmentation!, map, type === 'uint8' ? 'int16' : type)
    for (const [c, { scan, acquisition, intensities }] of made.entries()) {
      const [image, sidecar] = this.imageOf(i, this.suffixes[c]!)
      const classes = painted.classes.map(({ codes }, at) => ({ codes, components: intensities[at]! }))
      await writeJson(sidecar!, { source: from, ...acquisition, classes })
      await writeOutputVolume(image!, { data: scan, channels: 1, grid, source: image! }, 'float32')
    }
    const { noise, bias, blur, rim } = acquisition
    this.rows.push([name, from, ...[noise, bias, blur, rim].map((value) => value.toFixed(4))].join('\t'))
    return name
  }

  /** Writes the table of all subjects; what the scanner did is that of the first contrast. */
  async writeIndex(): Promise<void> {
    const header = ['participant_id', 'source', 'noise', 'bias', 'blur', 'rim'].join('\t')
    await writeOutput(this.index, [header, ...this.rows, ''].join('\n'))
  }

  private get index(): string {
    return join(this.folder, 'participants.tsv')
  }

  /** All that is written. */
  paths(): string[] {
    return [this.index, ...Array.from({ length: this.count }, (_, i) => this.pathsOf(i)).flat()]
  }

  private pathsOf(i: number): string[] {
    return [
      ...this.suffixes.flatMap((suffix) => this.imageOf(i, suffix)),
      ...this.endingsOf(i, 'dseg.nii.gz', 'dseg.tsv'),
    ]
  }

  private imageOf(i: number, suffix: string): string[] {
    return this.endingsOf(i, `${suffix}.nii.gz`, `${suffix}.json`)
  }

  private endingsOf(i: number, ...endings: readonly string[]): string[] {
    return endings.map((ending) => join(this.folder, `${this.nameOf(i)}_${ending}`))
  }

  private nameOf(i: number): string {
    return `sub-${String(i + 1).padStart(Math.max(3, String(this.count).length), '0')}`
  }
}

/** Letters and digits of a file's name, as BIDS has suffixes. */
function suffixOf(contrast: string): string {
  return subjectName(contrast.replace(/\.json$/i, '')).replace(/[^A-Za-z0-9]/g, '') || 'scan'
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeOutput(path, `${JSON.stringify(value, undefined, 2)}\n`)
}
