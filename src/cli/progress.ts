import { SingleBar } from 'cli-progress'
import type { Terminal } from './terminal.js'

/** How to show a run that is short or has no epochs. */
interface Style {
  /** What is counted. Default `epoch`. */
  readonly unit?: string
  /** About how many lines to print for a run if there is no terminal for a bar. Default 50. */
  readonly lines?: number
}

/** Shows the progress of a run: a bar on a terminal, else a line now and then. */
export class Progress {
  private readonly bar: SingleBar | undefined
  private readonly unit: string
  private readonly lines: number
  private done = 0

  constructor(
    private readonly terminal: Terminal,
    private readonly epochs: number,
    stepsPerEpoch: number,
    completed = 0,
    { unit = 'epoch', lines = 50 }: Style = {},
  ) {
    this.unit = unit
    this.lines = lines
    if (terminal.quiet || !process.stderr.isTTY) return
    this.bar = new SingleBar({
      format: `{bar} ${unit} {epoch}/{epochs} | {values} | {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: null, // a killed run would leave the cursor hidden
      etaBuffer: 20,
    })
    this.done = completed
    this.bar.start(epochs * stepsPerEpoch, completed, { epoch: '-', epochs, values: 'preparing' })
  }

  /** Call after each step. `values` are those of the epoch so far. */
  update(epoch: number, lastOfEpoch: boolean, values: Readonly<Record<string, number | undefined>>): void {
    const text = Object.entries(values)
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${format(value)}`]))
      .join('  ')
    if (this.bar) {
      this.bar.update(++this.done, { epoch, epochs: this.epochs, values: text })
    } else if (lastOfEpoch && this.isDue(epoch)) {
      this.terminal.status(
        `${this.unit} ${String(epoch).padStart(String(this.epochs).length)}/${this.epochs}  ${text}`,
      )
    }
  }

  stop(): void {
    this.bar?.stop()
  }

  private isDue(epoch: number): boolean {
    const line = (n: number): number => Math.floor((n * this.lines) / this.epochs)
    return epoch === 1 || epoch === this.epochs || line(epoch) > line(epoch - 1)
  }
}

function format(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4)
}
