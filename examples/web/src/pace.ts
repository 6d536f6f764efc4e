/** How fast steps follow each other, pauses left out: a mean that forgets. */
export class Pace {
  private last = performance.now()
  private seconds: number | undefined

  /** What passed before does not count. */
  restart(): void {
    this.last = performance.now()
  }

  step(): void {
    const now = performance.now()
    const took = (now - this.last) / 1000
    this.last = now
    this.seconds = this.seconds === undefined ? took : 0.85 * this.seconds + 0.15 * took
  }

  secondsFor(steps: number): number {
    return steps * (this.seconds ?? 0)
  }
}
