import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UserError } from '../errors.js'
import { writeFileAtomic, writeVolume } from '../io/files.js'
import type { Grid } from '../io/volume.js'
import { labelVoxelType } from '../io/voxel-type.js'
import { toCodes, type LabelTable } from '../sae/label-table.js'
import type { SyntheticScan } from '../sae/synth/synthesiser.js'
import { formatDsegTable } from './dseg-table.js'
import { describeValues } from './label-maps.js'
import { subjectName } from './file-names.js'
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

  /** Requires that nothing is replaced, and no input ever. @throws UserError with the first file in the way */
  requireFree(inputs: readonly string[], overwrite: boolean): void {
    const taken = new Set(inputs.map((path) => resolve(path)))
    for (const path of this.paths()) {
      if (taken.has(resolve(path))) throw new UserError(`${path}: is an input; give another folder with -o`)
      if (!overwrite && existsSync(path)) {
        throw new UserError(`${path}: is there already; give another folder with -o, or --overwrite`)
      }
    }
  }

  /** Writes scan `i`, made from that anatomy. @returns its name @throws UserError if the disk refuses */
  async write(i: number, made: SyntheticScan, grid: Grid, { name: from, painted }: Anatomy): Promise<string> {
    const { scan, labels, acquisition, intensities } = made
    const name = this.nameOf(i)
    const [image, sidecar, segmentation, table] = this.pathsOf(i)
    const classes = painted.classes.map(({ codes }, c) => ({ codes, components: intensities[c]! }))
    await writeJson(sidecar!, { source: from, ...acquisition, classes })
    await writeText(table!, formatDsegTable(this.table, 'codes'))
    const data = toCodes(labels, this.table)
    const type = labelVoxelType(data)
    const map = {
      data,
      channels: 1,
      grid,
      source: segmentation!,
      description: describeValues(this.table, 'codes'),
    }
    await writeVolume(segmentation!, map, type === 'uint8' ? 'int16' : type)
    await writeVolume(image!, { data: scan, channels: 1, grid, source: image! }, 'float32')
    const { noise, bias, blur, rim } = acquisition
    this.rows.push([name, from, ...[noise, bias, blur, rim].map((value) => value.toFixed(4))].join('\t'))
    return name
  }

  /** Writes the table of all scans. */
  async writeIndex(): Promise<void> {
    const header = ['participant_id', 'source', 'noise', 'bias', 'blur', 'rim'].join('\t')
    await writeText(this.index, [header, ...this.rows, ''].join('\n'))
  }

  private get index(): string {
    return join(this.folder, 'participants.tsv')
  }

  private paths(): string[] {
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
  await writeText(path, `${JSON.stringify(value, undefined, 2)}\n`)
}

async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, new TextEncoder().encode(text))
}
