import { join } from 'node:path'
import type { Grid } from '../../io/volume.js'
import { labelVoxelType } from '../../io/voxel-type.js'
import { toCodes, type LabelTable } from '../../sae/label-table.js'
import type { SyntheticScan } from '../../sae/synth/synthesiser.js'
import { formatDsegTable } from '../tables/dseg-table.js'
import { describeValues } from '../label-maps.js'
import { subjectName } from '../outputs/file-names.js'
import { writeOutput, writeOutputVolume } from '../outputs/output-files.js'
import type { Anatomy } from './synth-anatomy.js'

/** The files of a synthetic cohort in one folder. */
export class SynthOutput {
  private readonly suffix: string
  private readonly rows: string[] = []

  /** @param contrast as on the command line */
  constructor(
    private readonly folder: string,
    private readonly count: number,
    contrast: string,
    private readonly table: LabelTable,
  ) {
    this.suffix = { t1: 'T1w', t2: 'T2w' }[contrast] ?? suffixOf(contrast)
  }

  /** Writes scan `i`, made from that anatomy. @returns its name @throws UserError if a file cannot be written */
  async write(i: number, made: SyntheticScan, grid: Grid, { name: from, painted }: Anatomy): Promise<string> {
    const { scan, labels, acquisition, intensities } = made
    const name = this.nameOf(i)
    const [image, sidecar, segmentation, table] = this.pathsOf(i)
    const classes = painted.classes.map(({ codes }, c) => ({ codes, components: intensities[c]! }))
    await writeJson(sidecar!, { source: from, ...acquisition, classes })
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
    await writeOutputVolume(image!, { data: scan, channels: 1, grid, source: image! }, 'float32')
    const { noise, bias, blur, rim } = acquisition
    this.rows.push([name, from, ...[noise, bias, blur, rim].map((value) => value.toFixed(4))].join('\t'))
    return name
  }

  /** Writes the table of all scans. */
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
    const endings = [`${this.suffix}.nii.gz`, `${this.suffix}.json`, 'dseg.nii.gz', 'dseg.tsv']
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
