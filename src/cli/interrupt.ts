/** Ctrl-C, or a scheduler's SIGTERM, while a run goes on: noted, so that it can end after its step and save. */
export class Interrupt {
  private signal: 'SIGINT' | 'SIGTERM' | undefined

  constructor() {
    process.on('SIGINT', this.note)
    process.on('SIGTERM', this.note)
  }

  get requested(): boolean {
    return this.signal !== undefined
  }

  /** 128 + the signal's number, as shells count; undefined where none came. */
  get exitCode(): number | undefined {
    return this.signal && (this.signal === 'SIGINT' ? 130 : 143)
  }

  /** Back to the default: the next one ends the process. */
  release(): void {
    process.off('SIGINT', this.note)
    process.off('SIGTERM', this.note)
  }

  private readonly note = (signal: NodeJS.Signals): void => {
    this.signal = signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
    this.release() // a second one does not wait
  }
}
