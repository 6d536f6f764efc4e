/** How a training run overlaps host and device work. */
export interface RunOptions {
  /**
   * Submits a step before the previous one was yielded, so that the device never waits for the host. Weights may then
   * be one step ahead of the last yielded step, except at the end of an epoch and after the loop. Default false:
   * weights are always those after the last yielded step.
   */
  readonly ahead?: boolean
  /** Ends the run: a step in flight is still yielded, but no other step starts. */
  readonly signal?: AbortSignal
}

/** The stages of each item, in this order. */
export interface Stages<Item, Data, Result, Step> {
  /** Reads what the item needs, while the device works on the previous item. */
  load(item: Item): Promise<Data>
  /** Submits it to the device; resolves when it is submitted, its `result` when the device is done. */
  submit(item: Item, data: Data): Promise<{ readonly result: Promise<Result> }>
  /** Records the result, in the order of the items. `seconds` is the time that the item added to the run. */
  finish(item: Item, result: Result, seconds: number): Step
  /** Whether `next` may be submitted while `item` is in flight. */
  overlaps(item: Item, next: Item): boolean
}

/** An item that was submitted to the device. */
interface Submitted<Item, Result> {
  readonly item: Item
  readonly start: number
  readonly result: Promise<{ readonly value: Result; readonly end: number }>
}

/** Takes items through their stages and yields them in order. At most two are on the device at a time. */
export async function* inTurn<Item, Data, Result, Step>(
  items: readonly Item[],
  stages: Stages<Item, Data, Result, Step>,
  signal?: AbortSignal,
): AsyncGenerator<Step> {
  let under: Submitted<Item, Result> | undefined
  let lastEnd = 0
  const finish = async ({ item, start, result }: Submitted<Item, Result>): Promise<Step> => {
    const { value, end } = await result
    const seconds = (end - Math.max(start, lastEnd)) / 1000
    lastEnd = end
    return stages.finish(item, value, seconds)
  }
  let coming = items[0] && claimed(stages.load(items[0]))
  try {
    for (const [i, item] of items.entries()) {
      if (signal?.aborted) break
      const start = performance.now()
      const { result } = await stages.submit(item, (await coming)!)
      const before = under
      under = { item, start, result: claimed(timed(result)) }
      const next = items[i + 1]
      coming = next && claimed(stages.load(next))
      if (before) yield await finish(before)
      if (next && stages.overlaps(item, next)) continue
      const last = under
      under = undefined
      yield await finish(last)
    }
    if (under) {
      const last = under
      under = undefined
      yield await finish(last)
    }
  } finally {
    // The loop was left: the step in flight changes the weights all the same, so it counts.
    if (under) await finish(under).catch(() => undefined)
    await coming?.catch(() => undefined)
  }
}

async function timed<T>(promise: Promise<T>): Promise<{ readonly value: T; readonly end: number }> {
  const value = await promise
  return { value, end: performance.now() }
}

/** A promise that is awaited later: until then a failure is not an unhandled one. */
function claimed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
