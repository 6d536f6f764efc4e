/**
 * Keeps what was read, up to a number of bytes. What does not fit is read again each time.
 *
 * First come, first kept: every epoch visits all scans in a new order, so each kept scan is used once per epoch. A cache
 * of the most recent scans would have dropped most of them before their next turn.
 */
export class ReadCache {
  private readonly kept = new Map<string, unknown>()
  private room: number

  /** @param bytes the most to keep */
  constructor(bytes: number) {
    this.room = bytes
  }

  /** The data of this name: from the cache, else from `read`. */
  async get<T extends ArrayBufferView>(name: string, read: () => Promise<T>): Promise<T> {
    const known = this.kept.get(name) as T | undefined
    if (known) return known
    const data = await read()
    this.offer(name, data)
    return data
  }

  /** Keeps the data if there is room. */
  offer(name: string, data: ArrayBufferView): void {
    if (data.byteLength > this.room || this.kept.has(name)) return
    this.room -= data.byteLength
    this.kept.set(name, data)
  }
}
