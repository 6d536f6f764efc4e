import { printable } from '../errors.js'

/** How a command talks to the user: results and progress on stdout, everything else on stderr. */
export class Terminal {
  constructor(private readonly level: 'normal' | 'quiet' | 'silent') {}

  get quiet(): boolean {
    return this.level !== 'normal'
  }

  /** A result: what the user asked for. */
  print(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  /** Progress, and what was written where; not with --quiet. */
  status(text: string): void {
    if (!this.quiet) process.stdout.write(`${text}\n`)
  }

  /** Something worth knowing about the run; not with --quiet. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${printable(text)}\n`)
  }

  /** Something that may be wrong; even with --quiet. */
  warn(text: string): void {
    if (this.level !== 'silent') process.stderr.write(`warning: ${printable(text)}\n`)
  }

  /** Prints the first of several similar notes, and how many more there are. */
  noteOnce(texts: readonly (string | undefined)[]): void {
    const [first, ...others] = texts.filter((text) => text !== undefined)
    if (first === undefined) return
    this.note(others.length === 0 ? first : `${first} (and ${others.length} more like this)`)
  }
}
