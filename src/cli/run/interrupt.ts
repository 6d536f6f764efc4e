/** Ctrl-C, or a scheduler's SIGTERM, during a run: `signal` asks the run to end after its current step and to save. */
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

  /** Restores the default: the next signal ends the process. */
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
