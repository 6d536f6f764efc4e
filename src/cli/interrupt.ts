/** Ctrl-C, or a scheduler's SIGTERM, while a run goes on: `signal` asks it to end after its step and save. */
export class Interrupt {
  private received: 'SIGINT' | 'SIGTERM' | undefined
  private readonly controller = new AbortController()

  constructor() {
    process.on('SIGINT', this.note)
    process.on('SIGTERM', this.note)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** 128 + the signal's number, as shells count; undefined if none came. */
  get exitCode(): number | undefined {
    return this.received && (this.received === 'SIGINT' ? 130 : 143)
  }

  /** Back to the default: the next one ends the process. */
  release(): void {
    process.off('SIGINT', this.note)
    process.off('SIGTERM', this.note)
  }

  private readonly note = (signal: NodeJS.Signals): void => {
    this.received = signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
    this.release() // a second one does not wait
    this.controller.abort()
  }
}
