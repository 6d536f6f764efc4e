import { fork, type ChildProcess } from 'node:child_process'
import { openGpu } from '../../src/node/index.js'
import { TinyTraining } from './tiny-training.js'
import { constant, type Verdict } from './verdict.js'

/** What a process that trains tells the one that started it: that it could begin, then the checksum of its results. */
type Message = 'ready' | { readonly digest: string }

/** The work of a child process: gets ready, waits for any message, trains, and sends the checksum. */
export async function trainWhenTold(steps: number): Promise<void> {
  const gpu = await openGpu()
  const training = new TinyTraining(gpu, steps)
  await training.prepare()
  await new Promise<void>((resolve) => {
    process.once('message', () => {
      resolve()
    })
    tell('ready')
  })
  tell({ digest: await training.digest() })
  training.dispose()
  gpu.dispose()
  process.disconnect()
}

/**
 * Trains in one process, then in two at the same time on the same device, and compares losses, weights and moments.
 *
 * @param program takes `--child STEPS` and calls `trainWhenTold`
 */
export async function trainInPairs(program: URL, steps: number): Promise<Verdict[]> {
  const [alone] = await trainTogether(program, steps, 1)
  const pair = await trainTogether(program, steps, 2)
  const others = pair.filter((digest) => digest !== alone).length
  return [
    constant(
      `two processes, ${steps} steps at the same time: that differ from one alone`,
      [{ at: steps, value: others }],
      0,
    ),
  ]
}

/** The checksums of processes that begin together, once all are ready. */
async function trainTogether(program: URL, steps: number, processes: number): Promise<string[]> {
  const children = Array.from({ length: processes }, () =>
    fork(program, ['--child', String(steps)], { execArgv: ['--import', 'tsx'] }),
  )
  try {
    await Promise.all(children.map((child) => next(child, (message) => message === 'ready')))
    const digests = Promise.all(children.map((child) => next(child, (message) => message !== 'ready')))
    for (const child of children) child.send('begin')
    return (await digests).map((message) => (message as { digest: string }).digest)
  } finally {
    for (const child of children) child.kill()
  }
}

/** The next message of a kind. */
function next(child: ChildProcess, wanted: (message: Message) => boolean): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: Message) => {
      if (wanted(message)) resolve(message)
    })
    child.once('exit', (code, signal) => {
      reject(new Error(`a process that trains ended early (${signal ?? `exit code ${code}`})`))
    })
  })
}

function tell(message: Message): void {
  process.send?.(message)
}
