/** Where a command talks to the user: results and progress on stdout, all else on stderr. */
export class Terminal {
  constructor(private readonly level: 'normal' | 'quiet' | 'silent') {}

  get quiet(): boolean {
    return this.level !== 'normal'
  }

  /** A result, which is what the command was asked for. */
  print(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  /** How far it is, and what was written where; not with --quiet. */
  status(text: string): void {
    if (!this.quiet) process.stdout.write(`${text}\n`)
  }

  /** Something to know about the run; not with --quiet. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${text}\n`)
  }

  /** Something that may be wrong; even with --quiet. */
  warn(text: string): void {
    if (this.level !== 'silent') process.stderr.write(`warning: ${text}\n`)
  }

  /** The first of several notes of one kind, and how many more there are. */
  noteOnce(texts: readonly (string | undefined)[]): void {
    const [first, ...others] = texts.filter((text) => text !== undefined)
    if (first === undefined) return
    this.note(others.length === 0 ? first : `${first} (and ${others.length} more like this)`)
  }
}
