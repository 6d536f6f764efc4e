/** How a run of training is gone through. */
export interface RunOptions {
  /**
   * Gives the device a step before the one ahead of it was yielded, so that it never waits for the host. Weights may
   * then be one step beyond the step yielded last; not so at the end of an epoch, nor once the loop is left. Default
   * false: they are always those after the step yielded last.
   */
  readonly ahead?: boolean
  /** Ends the run: a step that is under way is still yielded, no other is begun. */
  readonly signal?: AbortSignal
}

/** What becomes of each item, in this order. */
export interface Stages<Item, Data, Result, Step> {
  /** Reads what the item needs, while the device works on the item before. */
  load(item: Item): Promise<Data>
  /** Gives it to the device; resolves when that is done, its `result` when the device is done. */
  submit(item: Item, data: Data): Promise<{ readonly result: Promise<Result> }>
  /** Notes what came out, in the order of the items. `seconds` is the time that the item added to the run. */
  finish(item: Item, result: Result, seconds: number): Step
  /** Whether `next` may be submitted while `item` is under way. */
  overlaps(item: Item, next: Item): boolean
}

/** An item that the device was given. */
interface Submitted<Item, Result> {
  readonly item: Item
  readonly start: number
  readonly result: Promise<{ readonly value: Result; readonly end: number }>
}

/** Takes items through their stages and yields them in their order. At most two are on the device at a time. */
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
    // The loop was left: the step under way changes weights all the same, so it counts.
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
