/** What becomes of `sae train` when its device fails: in this process, so that the device can be made to. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { addPretrain } from '../../../src/cli/commands/pretrain.js'
import { addTrain } from '../../../src/cli/commands/train.js'
import { exitCodeOf } from '../../../src/cli/run/failure.js'
import { readWeights } from '../../../src/cli/inputs/weights-file.js'
import type { Gpu } from '../../../src/gpu/gpu.js'
import { writeSafetensors, type Tensor } from '../../../src/io/safetensors.js'
import { createModel } from '../../../src/sae/model.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { grid, makeStudy, shape, type Study } from '../../cli/support.js'

/** What is done to every device that the command opens. */
let onOpen: (gpu: Gpu) => void = () => undefined
vi.mock('../../../src/node/index.js', async (original) => {
  const node = await original<typeof import('../../../src/node/index.js')>()
  const openGpu: typeof node.openGpu = async (options) => {
    const gpu = await node.openGpu(options)
    onOpen(gpu)
    return gpu
  }
  return { ...node, openGpu }
})

const K = phantomTable.classes.length
const voxels = shape[0] * shape[1] * shape[2]
let study: Study

beforeAll(async () => {
  study = await makeStudy()
  await study.write('prior.nii.gz', new Float32Array(K * voxels).fill(1 / K), 'float32', grid, K)
  const architecture = { classes: K, widths: [2, 3], instanceNorm: false }
  const tensors = new Map<string, Tensor>()
  for (const { name, shape, initial } of createModel(architecture).parameters)
    tensors.set(name, { dtype: 'F32', shape, data: initial as Float32Array })
  const metadata = {
    format: 'sae-webgpu 1',
    architecture: JSON.stringify(architecture),
    intensities: 'robust',
  }
  writeFileSync(study.path('weights.safetensors'), writeSafetensors(tensors, metadata))
})
afterAll(() => {
  study.remove()
})
afterEach(() => {
  onOpen = () => undefined
  vi.restoreAllMocks()
})

/** Lines on stderr. */
let said: string[] = []

const train = (name: string, ...more: string[]) => run('train', name, ...more)

/** Runs a command in a folder of its own; returns its exit code. */
async function run(command: 'train' | 'pretrain', name: string, ...more: string[]): Promise<number> {
  said = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.push(...String(text).split('\n').filter(Boolean))
    return true
  })
  const program = new Command('sae').option('--adapter <name>').option('--quiet').exitOverride()
  addTrain(program)
  addPretrain(program)
  const paths = ['--prior', study.path('prior.nii.gz'), '--init', study.path('weights.safetensors')]
  const args = [command, ...study.scans, ...paths, '-o', study.path(name), '--recipe', 'paper', ...more]
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    return exitCodeOf(error)
  }
}

const bytesOf = (folder: string, file: string) => readFileSync(study.path(`${folder}/${file}`))
/** The log without how long each step took. */
const rowsOf = (folder: string, log = 'train.csv') => {
  const lines = readFileSync(study.path(`${folder}/${log}`), 'utf8')
    .trim()
    .split('\n')
  const seconds = lines[0]!.split(',').indexOf('seconds')
  return lines.map((line) => line.split(',').filter((_, column) => column !== seconds))
}

/** Calls `body` before a device is given work. */
function beforeSubmit({ device }: Gpu, body: () => void): void {
  const submit = device.queue.submit.bind(device.queue)
  Object.defineProperty(device.queue, 'submit', {
    value: (buffers: GPUCommandBuffer[]) => {
      body()
      submit(buffers)
    },
  })
}

const rowsSoFar = (folder: string, log = 'train.csv') =>
  existsSync(study.path(`${folder}/${log}`)) ? rowsOf(folder, log).length - 1 : 0

describe('a lost device', () => {
  it('costs a run nothing but time: another one goes on, to the same bits', async () => {
    // Every look at the clock is long after the one before: a state is taken at the end of every epoch.
    let clock = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 6000))
    expect(await train('whole', '--epochs', '6', '--save-every', '2')).toBe(0)
    const losses: number[] = []
    onOpen = (gpu) => {
      const loss = losses.length
      beforeSubmit(gpu, () => {
        const rows = rowsSoFar('lost')
        if (losses.length > loss || loss === 2 || rows < 3 + 4 * loss) return
        losses.push(rows)
        gpu.device.destroy()
      })
    }
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 6000))
    expect(await train('lost', '--epochs', '6', '--save-every', '2'), said.join('\n')).toBe(0)
    expect(losses).toHaveLength(2)
    const lines = said.filter((line) => line.includes('device lost'))
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(
      /GPU device lost \(destroyed\).*; training goes on from step [24] on a new device \(1 of 3\)/,
    )
    expect(rowsOf('lost')).toEqual(rowsOf('whole'))
    for (const file of ['last.safetensors', 'best.safetensors'])
      expect(bytesOf('lost', file).equals(bytesOf('whole', file)), file).toBe(true)
  })

  it('costs pretraining no more', async () => {
    let clock = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (clock += 6000))
    expect(await run('pretrain', 'pre-whole', '--epochs', '4')).toBe(0)
    let opened = 0
    onOpen = (gpu) => {
      if (opened++ > 0) return
      beforeSubmit(gpu, () => {
        if (rowsSoFar('pre-lost', 'pretrain.csv') >= 3) gpu.device.destroy()
      })
    }
    expect(await run('pretrain', 'pre-lost', '--epochs', '4'), said.join('\n')).toBe(0)
    expect(opened).toBe(2)
    expect(said.join('\n')).toMatch(/; pretraining goes on from step 2 on a new device \(1 of 3\)/)
    expect(rowsOf('pre-lost', 'pretrain.csv')).toEqual(rowsOf('pre-whole', 'pretrain.csv'))
    const weights = (folder: string) => bytesOf(folder, 'pretrained.safetensors')
    expect(weights('pre-lost').equals(weights('pre-whole'))).toBe(true)
  })

  it('that is lost again and again ends the run in one line', async () => {
    let opened = 0
    onOpen = (gpu) => {
      opened++
      beforeSubmit(gpu, () => {
        gpu.device.destroy()
      })
    }
    expect(await train('hopeless', '--epochs', '2')).toBe(2)
    expect(opened).toBe(4)
    expect(said.at(-1)).toMatch(/^sae: GPU device lost .*; that was the 4th time in this run: /)
  })
})

describe('trouble that ends a run', () => {
  /** Requires that whatever the run left is whole: weights that can be read, and no temporary file. */
  async function expectWhole(folder: string): Promise<void> {
    const files = existsSync(study.path(folder)) ? readdirSync(study.path(folder)) : []
    for (const file of files) {
      expect(file).not.toMatch(/\.sae-tmp$/)
      if (file.endsWith('.safetensors')) await readWeights(study.path(`${folder}/${file}`))
    }
  }

  /** Makes the device answer questions about errors of one kind as a failing one does, once training runs. */
  function answer({ device }: Gpu, folder: string, kind: GPUErrorFilter, message: string): void {
    const [push, pop] = [device.pushErrorScope.bind(device), device.popErrorScope.bind(device)]
    const scopes: GPUErrorFilter[] = []
    Object.defineProperty(device, 'pushErrorScope', {
      value: (filter: GPUErrorFilter) => {
        scopes.push(filter)
        push(filter)
      },
    })
    Object.defineProperty(device, 'popErrorScope', {
      value: async () => {
        const failing = scopes.pop() === kind && rowsSoFar(folder) > 0
        const real = await pop()
        return failing ? ({ message } as GPUError) : real
      },
    })
  }

  it('divergence: the step, the term, and the first number that is not finite', async () => {
    expect(await train('diverged', '--epochs', '4', '--lr', '1e30', '--seed', '3')).toBe(2)
    expect(said.at(-1)).toMatch(
      /^sae: training diverged (at|by) step \d: .*; the first number that is not finite: \S.* holds (NaN|-?Infinity), first at \[/,
    )
    await expectWhole('diverged')
  })

  it.each([
    ['no memory', /is out of memory; close other programs/, 2],
    ['a command that is refused', /unexpected error: \S+: GPU error: pretended/, 1],
  ])('%s', async (name, line, code) => {
    const folder = name.replaceAll(' ', '-')
    onOpen = (gpu) => {
      answer(gpu, folder, code === 2 ? 'out-of-memory' : 'validation', 'pretended')
    }
    expect(await train(folder, '--epochs', '4'), said.join('\n')).toBe(code)
    expect(said.at(-1)).toMatch(line)
    await expectWhole(folder)
  })

  it('a kernel that does not compile, with its op', async () => {
    onOpen = ({ device }) => {
      Object.defineProperty(device, 'createComputePipelineAsync', {
        value: () => Promise.reject(new Error('pretended')),
      })
    }
    expect(await train('kernel', '--epochs', '4')).toBe(1)
    expect(said.at(-1)).toMatch(
      /^sae: unexpected error: (\S+: )?[\w ]+: shader \S+ does not compile: pretended/,
    )
    await expectWhole('kernel')
  })

  it('no adapter', async () => {
    const asked = process.env.SAE_ADAPTER
    expect(await train('none', '--epochs', '4', '--adapter', 'no such thing')).toBe(2)
    process.env.SAE_ADAPTER = asked
    expect(said.at(-1)).toMatch(/^sae: .*no such thing/)
    await expectWhole('none')
  })
})
