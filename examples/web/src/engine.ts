import type { Calls, CallMessage, EngineEvent, WorkerMessage } from './protocol.js'

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** The page's side of the worker: calls answered by promises, and events. */
export class Engine {
  private worker: Worker
  private readonly pending = new Map<number, Pending>()
  private next = 0

  constructor(private readonly onEvent: (event: EngineEvent) => void) {
    this.worker = this.start()
  }

  /** @throws Error with one line for the visitor */
  call<Name extends keyof Calls>(name: Name, ...args: Parameters<Calls[Name]>): ReturnType<Calls[Name]> {
    const id = this.next++
    const answer = new Promise((resolve, reject) => this.pending.set(id, { resolve, reject }))
    this.worker.postMessage({ id, name, args } satisfies CallMessage)
    return answer as ReturnType<Calls[Name]>
  }

  /** Starts a new worker, and so a new device; pending calls fail. */
  restart(): void {
    this.worker.terminate()
    for (const { reject } of this.pending.values()) reject(new Error('the worker was restarted'))
    this.pending.clear()
    this.worker = this.start()
  }

  private start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      this.receive(data)
    }
    worker.onerror = ({ message }) => {
      this.onEvent({ type: 'lost', reason: message || 'the worker could not be loaded' })
    }
    return worker
  }

  private receive(message: WorkerMessage): void {
    if (message.type === 'event') {
      this.onEvent(message.event)
      return
    }
    const pending = this.pending.get(message.id)
    this.pending.delete(message.id)
    if (message.type === 'result') pending?.resolve(message.result)
    else pending?.reject(new Error(message.message))
  }
}
