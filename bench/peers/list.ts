import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { layerParts, type WorkName } from './work.js'

/** A peer, and how to start it. */
export interface Peer {
  readonly name: string
  /** Its name with its version. */
  readonly label: string
  /** Program and arguments; undefined if it is not installed. */
  readonly command: readonly string[] | undefined
  /** Variables of its environment, besides ours. */
  readonly environment?: Readonly<Record<string, string>>
  readonly does: readonly WorkName[]
}

const forward: readonly WorkName[] = ['conv forward', 'unet forward']
const gradients: readonly WorkName[] = [
  ...forward,
  'conv grad input',
  'conv grad weight',
  ...layerParts.flatMap((part) => [`transposed k 2 ${part}`, `transposed k 3 ${part}`] as const),
  'unet forward + backward',
]
const everything: readonly WorkName[] = [...gradients, 'step', 'segment']

/** The peer whose results all others are compared with, if it is installed. */
export const trusted = 'pytorch'

export const peerNames = [
  'ours',
  'tfjs-webgpu',
  'jax-js',
  'onnxruntime-webgpu',
  'tfjs-cpu',
  'onnxruntime-cpu',
  'pytorch-tuned',
  trusted,
] as const

/**
 * glibc returns the memory of a large tensor to the system, which clears the pages of the next one: that may take up to five
 * times as long as a training step of PyTorch's computes.
 */
const memoryKept = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 40) }

/** @param installed whether bench/peers/node_modules exists */
export function listPeers(installed: boolean): Peer[] {
  const script = (file: string) => fileURLToPath(new URL(file, import.meta.url))
  const node = (file: string) => [process.execPath, '--import', 'tsx', script(file)]
  const { dependencies } = JSON.parse(readFileSync(script('package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const npm = (name: string, file: string, library: string, does: readonly WorkName[]): Peer => ({
    name,
    label: `${name} ${dependencies[library] ?? ''}`,
    command: installed ? node(file) : undefined,
    does,
  })
  const torch = findTorch()
  const pytorch = (name: string, setting = ''): Peer => ({
    name,
    label: `${torch ? `PyTorch ${torch.version} CPU` : 'PyTorch CPU'}${setting}`,
    command: torch && [torch.python, script('pytorch.py')],
    does: everything,
  })
  return [
    { name: 'ours', label: 'ours', command: node('ours.ts'), does: everything },
    npm('tfjs-webgpu', 'tfjs.ts', '@tensorflow/tfjs', gradients),
    npm('jax-js', 'jax.ts', '@jax-js/jax', forward),
    npm('onnxruntime-webgpu', 'onnxruntime.ts', 'onnxruntime-node', [...forward, 'segment']),
    npm('tfjs-cpu', 'tfjs.ts', '@tensorflow/tfjs', gradients),
    {
      ...npm('onnxruntime-cpu', 'onnxruntime.ts', 'onnxruntime-node', [...forward, 'segment']),
      environment: memoryKept,
    },
    // Its threads spin while they wait, which costs them their turn if another process wants the processor.
    {
      ...pytorch('pytorch-tuned', ', threads that sleep, memory kept'),
      environment: { OMP_WAIT_POLICY: 'passive', ...memoryKept },
    },
    pytorch(trusted),
  ]
}

/** The first Python that has PyTorch, or the one that SAE_PYTHON names. */
function findTorch(): { python: string; version: string } | undefined {
  const asked = process.env.SAE_PYTHON
  for (const python of asked ? [asked] : ['python3', '/usr/bin/python3']) {
    const { status, stdout } = spawnSync(python, ['-c', 'import numpy, torch; print(torch.__version__)'], {
      encoding: 'utf8',
    })
    if (status === 0) return { python, version: stdout.trim() }
  }
  return undefined
}
