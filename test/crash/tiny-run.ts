import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeTensors, writeVolume } from '../../src/io/files.js'
import { unknownGrid } from '../../src/io/volume.js'
import type { NamedTensor } from '../../src/sae/model.js'
import { createModel } from '../../src/sae/model.js'

/** The built command. */
const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** How a process of `sae` ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Lines on stderr that sae itself wrote. */
  readonly errors: readonly string[]
}

/** A process of `sae`, and how it ends. */
export interface Started {
  readonly child: ChildProcess
  readonly ending: Promise<Ending>
}

/** The smallest run of `sae train` that has everything: two scans, two levels, two steps an epoch, saved after each. */
export class TinyRun {
  readonly epochs: number = 100

  private constructor(readonly folder: string) {}

  /** Writes scans, prior and first weights to a folder. */
  static async make(folder: string): Promise<TinyRun> {
    mkdirSync(folder, { recursive: true })
    const shape = [8, 8, 8] as const
    const classes = 3
    const voxels = shape[0] * shape[1] * shape[2]
    const place = { grid: unknownGrid(shape), source: 'tiny' }
    for (const name of ['a', 'b']) {
      const data = Float32Array.from({ length: voxels }, (_, i) => ((i * (name === 'a' ? 7 : 11)) % 97) / 96)
      await writeVolume(join(folder, `${name}.nii`), { data, channels: 1, ...place }, 'float32')
    }
    const prior = new Float32Array(classes * voxels).fill(1 / classes)
    await writeVolume(join(folder, 'prior.nii'), { data: prior, channels: classes, ...place }, 'float32')
    const { parameters } = createModel({ classes, widths: [2, 2], instanceNorm: false })
    const tensors = new Map<string, NamedTensor>()
    for (const { name, shape, initial } of parameters)
      tensors.set(name, { shape, data: initial as Float32Array })
    await writeTensors(join(folder, 'init.safetensors'), tensors)
    return new TinyRun(folder)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Starts training into a folder of its own, from the beginning or from what the folder's last checkpoint holds. */
  start(output: string, from: 'beginning' | 'last', ...more: string[]): Started {
    const weights =
      from === 'last'
        ? ['--resume', join(this.path(output), 'last.safetensors')]
        : ['--init', this.path('init.safetensors')]
    return startSae([
      ...['--quiet', 'train', this.path('a.nii'), this.path('b.nii'), '--prior', this.path('prior.nii')],
      ...['--recipe', 'paper', '--epochs', String(this.epochs), '--save-every', '1', '-o', this.path(output)],
      ...[...weights, ...more],
    ])
  }

  read(output: string, name: string): Buffer {
    return readFileSync(join(this.path(output), name))
  }

  /** The log without the column of the times. */
  log(output: string): string[][] {
    const rows = this.read(output, 'train.csv')
      .toString()
      .split('\n')
      .map((row) => row.split(','))
    const seconds = rows[0]!.indexOf('seconds')
    return rows.map((cells) => cells.filter((_, column) => column !== seconds))
  }

  /** The examples of the steps: a run that is killed while it is assessed has none of its end. */
  examples(output: string): unknown[] {
    const text = this.read(output, 'train-examples.json').toString()
    const { examples } = JSON.parse(text) as { examples: { weights?: string }[] }
    return examples.filter(({ weights }) => weights === undefined)
  }
}

export function startSae(args: readonly string[]): Started {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  const ending = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => {
      const errors = text.split('\n').filter((line) => line.startsWith('sae: '))
      resolve({ code, signal, errors })
    })
  })
  return { child, ending }
}
