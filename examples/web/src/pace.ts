/** The time per step, without pauses, as an exponential moving average. */
export class Pace {
  private last = performance.now()
  private seconds: number | undefined

  /** Ignores the time since the last step. */
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
