// npm run make:sample [-- FOLDER]: makes the sample of the page, examples/web/public/sample, by the project's own
// commands: two brains of one family, scans of both, and a network that learns from one of the scans under a prior from the
// labels of the other. FOLDER keeps what lies between; the default is a temporary folder.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLabelVolume, readVolume, writeVolume } from '../../src/io/files.js'
import { writeFamily } from './family.js'

const root = join(import.meta.dirname, '../..')
const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'sae-sample-'))
const target = join(root, 'examples/web/public/sample')

const say = (line: string): void => {
  console.log(line)
}

const sae = (...args: readonly string[]): void => {
  say(`sae ${args.join(' ')}`)
  execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { stdio: 'inherit' })
}

const inFolder = (name: string): string => join(folder, name)
const scan = inFolder('cohort/sub-002_T1w.nii.gz')
const labels = inFolder('cohort/sub-002_dseg.nii.gz')
const otherPerson = inFolder('cohort/sub-001_dseg.nii.gz')

mkdirSync(inFolder('maps'), { recursive: true })
mkdirSync(target, { recursive: true })

const family = { seed: 7, count: 2 } as const
const [grid] = await writeFamily(folder, { ...family, count: 1, shape: [80, 96, 80], size: 2 }, say)
// Finer maps than scans, so that voxels of the scans have partial volume.
const maps = await writeFamily(inFolder('maps'), { ...family, shape: [128, 152, 130], size: 1.25 }, say)
const anatomy = ['--deform', '2', '--rotate', '3', '--scale', '3']
const scanner = ['--noise', '0.006,0.01', '--bias', '0.03,0.05']
const cohort = ['-n', '2', '--like', grid!, '--seed', '2', '-o', inFolder('cohort'), '--overwrite']
sae('synth', ...maps, ...cohort, ...anatomy, ...scanner)

const prior = inFolder('prior.nii.gz')
const run = inFolder('run')
sae('prior', otherPerson, '--blur', '4', '-o', prior, '--overwrite')
sae('pretrain', scan, '--prior', prior, '-o', run, '--overwrite')
const init = ['--init', join(run, 'pretrained.safetensors')]
sae('train', scan, '--prior', prior, ...init, '-o', run, '--overwrite')
const weights = join(run, 'best.safetensors')
sae('segment', scan, '--weights', weights, '--prior', prior, '-o', inFolder('out'), '--overwrite')
sae('evaluate', inFolder('out/sub-002_T1w_dseg.nii.gz'), labels)

await writeBytes(scan, 'scan.nii.gz')
for (const [path, name] of [
  [labels, 'reference.nii.gz'],
  [otherPerson, 'other-person.nii.gz'],
] as const) {
  await writeVolume(join(target, name), await readLabelVolume(path), 'uint8')
}
copyFileSync(weights, join(target, 'weights.safetensors'))
for (const name of ['scan.nii.gz', 'reference.nii.gz', 'other-person.nii.gz', 'weights.safetensors'])
  say(`${name}: ${statSync(join(target, name)).size} bytes`)

/** A scan in whole numbers from 0 to 255, which take a fifth of the room; a few of the brightest voxels are clipped. */
async function writeBytes(from: string, name: string): Promise<void> {
  const { data, ...volume } = await readVolume(from)
  const top = data.slice().sort()[Math.floor(0.9998 * data.length)]!
  const bytes = data.map((value) => Math.min(255, Math.round((255 * value) / top)))
  await writeVolume(join(target, name), { ...volume, data: bytes }, 'uint8')
}
