/**
 * Keeps what was read, up to so many bytes; what does not fit any more is read again each time.
 *
 * What came first stays: an epoch goes through all scans in a new order, and of those that are kept every one is used
 * once an epoch. Of the most recent ones, most would be gone when their turn comes.
 */
export class ReadCache {
  private readonly kept = new Map<string, unknown>()
  private room: number

  /** @param bytes to keep at most */
  constructor(bytes: number) {
    this.room = bytes
  }

  /** What `read` brings, or brought before under this name. */
  async get<T extends ArrayBufferView>(name: string, read: () => Promise<T>): Promise<T> {
    const known = this.kept.get(name) as T | undefined
    if (known) return known
    const data = await read()
    this.offer(name, data)
    return data
  }

  /** Keeps this where there is room. */
  offer(name: string, data: ArrayBufferView): void {
    if (data.byteLength > this.room || this.kept.has(name)) return
    this.room -= data.byteLength
    this.kept.set(name, data)
  }
}
