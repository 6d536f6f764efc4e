import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Reply, Request } from './child.js'

/** Copied before this process looks for adapters: the search offers SwiftShader to Vulkan, and a peer might pick it. */
const environment = { ...process.env }

/** A peer in its own process, so that the benchmark survives if the peer crashes, hangs or takes all memory. */
export class PeerProcess {
  private readonly child: ChildProcess
  private readonly replies: Interface
  private readonly exit: Promise<string>
  private stderr = ''
  private secondsLeft: number

  /**
   * @param limit most seconds for all its answers together
   * @param more variables of its environment, besides ours
   */
  constructor(
    [program, ...args]: readonly string[],
    private readonly limit: number,
    more: Readonly<Record<string, string>> = {},
  ) {
    this.secondsLeft = limit
    this.child = spawn(program!, args, {
      env: { ...environment, ...more },
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    })
    this.child.stderr!.on(
      'data',
      (chunk: Buffer) => (this.stderr = (this.stderr + chunk.toString()).slice(-10_000)),
    )
    // The peer may exit before it reads our message; the exit handler reports that.
    this.child.stdin!.on('error', () => undefined)
    this.replies = createInterface({ input: this.child.stdio[3] as Readable })
    this.exit = new Promise((resolve) => {
      this.child.on('error', (error) => {
        resolve(error.message)
      })
      this.child.on('close', (code, signal) => {
        resolve(lastWords(this.stderr) ?? (signal ? `killed by ${signal}` : `exit code ${code!}`))
      })
    })
  }

  /** Sends a request and waits for the answer. @throws Error saying `over N s` or `failed: ...` */
  async ask(request: Request): Promise<Reply> {
    const started = performance.now()
    const answer = new Promise<Reply>((resolve) => {
      this.replies.once('line', (line) => {
        resolve(JSON.parse(line) as Reply)
      })
    })
    const gone = this.exit.then((message): Reply => ({ error: message }))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`over ${this.limit} s`))
      }, 1000 * this.secondsLeft)
    })
    this.child.stdin!.write(JSON.stringify(request) + '\n')
    try {
      const reply = await Promise.race([answer, gone, late])
      if (reply.error !== undefined) throw new Error(`failed: ${firstLine(reply.error)}`)
      return reply
    } finally {
      clearTimeout(timer)
      this.secondsLeft -= (performance.now() - started) / 1000
    }
  }

  /** Kills the process and waits for its end. */
  async stop(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exit
  }
}

/** The last error message of a process that died, without its stack. */
function lastWords(stderr: string): string | undefined {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  return lines.findLast((line) => /error|fail|abort/i.test(line) && !/^\s+at /.test(line)) ?? lines.at(-1)
}

function firstLine(message: string): string {
  const line = message.split('\n').find((part) => part.trim() !== '') ?? 'no message'
  return line.trim().replaceAll('|', '/').slice(0, 160)
}
