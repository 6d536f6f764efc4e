/** When a series counts as no longer falling. */
export interface PlateauOptions {
  /** Values whose mean counts as one: more of them for a noisier series. Default 1. */
  readonly window?: number
  /** Windows in a row without progress that end it, at least 1. Default 3. */
  readonly patience?: number
  /** Progress means falling below the best mean by more than this share of `best - floor`; 0 or more. Default 0.01. */
  readonly tolerance?: number
  /**
   * The value that the series cannot fall below, such as the prior's entropy for a cross-entropy to it. Without one,
   * progress is measured by how far the series has fallen from its first window on, which suits losses of any sign.
   */
  readonly floor?: number
}

/** All that `Plateau` remembers, for a run that is resumed later. */
export interface PlateauState {
  /** Sum of the values of the running window. */
  readonly sum: number
  /** How many those are. */
  readonly count: number
  /** Mean of the first window; undefined before that is full. */
  readonly first: number | undefined
  /** The lowest mean so far; undefined likewise. */
  readonly best: number | undefined
  /** Windows since then. */
  readonly waited: number
}

/**
 * Detects that a noisy series no longer falls: its means over windows are compared, so that neither noise within a window
 * nor a single bad value ends it early. A series needs `patience + 1` windows at least.
 */
export class Plateau {
  private readonly window: number
  private readonly patience: number
  private readonly tolerance: number
  private readonly floor: number | undefined

  /**
   * @param state to continue from
   * @throws RangeError if an option is out of range
   */
  constructor(
    { window = 1, patience = 3, tolerance = 0.01, floor }: PlateauOptions = {},
    public state: PlateauState = { sum: 0, count: 0, first: undefined, best: undefined, waited: 0 },
  ) {
    for (const [name, value] of Object.entries({ window, patience })) {
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`A plateau's ${name} of ${value}; give 1 or more.`)
    }
    if (!(tolerance >= 0 && tolerance < 1))
      throw new RangeError(`A plateau's tolerance of ${tolerance}; give 0 to 1.`)
    this.window = window
    this.patience = patience
    this.tolerance = tolerance
    this.floor = floor
  }

  /** Whether the series has stopped falling. */
  get reached(): boolean {
    return this.state.waited >= this.patience
  }

  /**
   * Notes the next value.
   *
   * @returns `reached`
   * @throws RangeError if the value is NaN or infinite: such a series has diverged
   */
  observe(value: number): boolean {
    if (!Number.isFinite(value)) throw new RangeError(`A series that becomes ${value} has no plateau.`)
    const { sum, count, first, best, waited } = this.state
    if (count + 1 < this.window) {
      this.state = { sum: sum + value, count: count + 1, first, best, waited }
      return this.reached
    }
    const mean = (sum + value) / this.window
    const fell = best === undefined || mean < best - this.tolerance * this.scale(mean)
    this.state = {
      sum: 0,
      count: 0,
      first: first ?? mean,
      best: fell ? mean : best,
      waited: fell ? 0 : waited + 1,
    }
    return this.reached
  }

  /** The scale for measuring a fall. */
  private scale(mean: number): number {
    const { first, best } = this.state
    const reference = best ?? mean
    return this.floor === undefined ? (first ?? mean) - reference : Math.max(0, reference - this.floor)
  }
}

/**
 * The number of values after which a series stopped falling, undefined if it still falls at its end.
 *
 * @throws RangeError as `Plateau`
 */
export function plateauOf(series: Iterable<number>, options: PlateauOptions = {}): number | undefined {
  const plateau = new Plateau(options)
  let seen = 0
  for (const value of series) {
    seen++
    if (plateau.observe(value)) return seen
  }
  return undefined
}
