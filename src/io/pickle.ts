/** Resolves the names and persistent ids in a pickle; everything else in it is plain values. */
export interface PickleHost {
  /** Returns a substitute for `module.name`; throws if the name does not belong in the file. */
  readonly global: (module: string, name: string) => Callable
  readonly persistent: (id: unknown) => unknown
}

/** The host's substitute for a class or function that a pickle names and may call. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: readonly unknown[]) => unknown,
  ) {}
}

/** More instructions than any checkpoint has, few enough to bound the memory that their values take. */
const MAX_STEPS = 1_000_000
/** Longest name of a module or class. */
const MAX_NAME = 200

/** Reads little-endian numbers and runs of bytes in sequence, without copying. */
export class ByteReader {
  private at = 0
  private readonly view: DataView

  constructor(private readonly source: Uint8Array) {
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength)
  }

  bytes(count: number): Uint8Array {
    const start = this.skip(count)
    return this.source.subarray(start, start + count)
  }

  uint8(): number {
    return this.view.getUint8(this.skip(1))
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true)
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true)
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true)
  }

  /** Exact up to 2^53, rounded beyond. */
  int64(): number {
    return Number(this.view.getBigInt64(this.skip(8), true))
  }

  /** Big-endian, as in pickles. */
  float64(): number {
    return this.view.getFloat64(this.skip(8))
  }

  text(length: number): string {
    return decoder.decode(this.bytes(length))
  }

  line(): string {
    const end = this.source.indexOf(0x0a, this.at)
    if (end === -1 || end - this.at > MAX_NAME) throw new Error('a name without an end')
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  /** Skips bytes and returns the previous position. */
  skip(count: number): number {
    const start = this.at
    if (count > this.source.length - start) throw new Error('unexpected end')
    this.at += count
    return start
  }
}

const decoder = new TextDecoder()

/**
 * Reads one pickle. Accepts only the instructions that `torch.save` writes, as PyTorch's own `weights_only` reader
 * does. Dictionaries become `Map`, lists and tuples arrays. The values may contain cycles; walk them with care.
 *
 * No code in it runs: the host substitutes every name.
 * @throws Error that says what is wrong with it
 */
export function readPickle(reader: ByteReader, host: PickleHost): unknown {
  const machine = new Machine(reader, host)
  for (let step = 0; step < MAX_STEPS; step++) {
    const opcode = reader.uint8()
    if (opcode === STOP) return machine.pop()
    const produce = VALUES[opcode]
    if (produce) machine.push(produce(machine))
    else machine.act(opcode)
  }
  throw new Error(`more than ${MAX_STEPS} instructions`)
}

class Machine {
  private stack: unknown[] = []
  /** The stacks below the marks. */
  private readonly marked: unknown[][] = []
  private readonly memo = new Map<number, unknown>()

  constructor(
    readonly reader: ByteReader,
    readonly host: PickleHost,
  ) {}

  push(value: unknown): void {
    this.stack.push(value)
  }

  pop(): unknown {
    if (this.stack.length === 0) throw new Error('a value is missing')
    return this.stack.pop()
  }

  /** All values since the last mark. */
  popMarked(): unknown[] {
    const below = this.marked.pop()
    if (below === undefined) throw new Error('a mark is missing')
    const items = this.stack
    this.stack = below
    return items
  }

  popTuple(length: number): unknown[] {
    if (this.stack.length < length) throw new Error('a value is missing')
    return this.stack.splice(this.stack.length - length)
  }

  recall(index: number): unknown {
    if (!this.memo.has(index)) throw new Error('a value is missing')
    return this.memo.get(index)
  }

  global(module: unknown, name: unknown): Callable {
    if (typeof module !== 'string' || typeof name !== 'string') throw new Error('a name is missing')
    return this.host.global(module, name)
  }

  call(): unknown {
    const args = this.pop()
    const callee = this.pop()
    if (!(callee instanceof Callable) || !Array.isArray(args))
      throw new Error('a call of something that is not a function')
    return callee.call(args)
  }

  /** Two's complement of up to 8 bytes; a bigint if a number would round it. */
  long(): number | bigint {
    const bytes = this.reader.bytes(this.reader.uint8())
    if (bytes.length > 8) throw new Error(`an integer of ${bytes.length} bytes`)
    const unsigned = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    const value = BigInt.asIntN(8 * bytes.length, unsigned)
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  /** Executes an instruction that pushes no value. */
  act(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.reader.skip(1)
        return
      case 0x95: // FRAME
        this.reader.skip(8)
        return
      case 0x28: // MARK
        this.marked.push(this.stack)
        this.stack = []
        return
      case 0x30: // POP
      case 0x62: // BUILD: further state of an object, which weights do not need
        this.pop()
        return
      case 0x31: // POP_MARK
        this.popMarked()
        return
      case 0x61: // APPEND
        this.append(this.popTuple(1))
        return
      case 0x65: // APPENDS
        this.append(this.popMarked())
        return
      case 0x73: // SETITEM
        this.setItems(this.popTuple(2))
        return
      case 0x75: // SETITEMS
        this.setItems(this.popMarked())
        return
      case 0x71: // BINPUT
        this.memo.set(this.reader.uint8(), this.top())
        return
      case 0x72: // LONG_BINPUT
        this.memo.set(this.reader.uint32(), this.top())
        return
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top())
        return
      default:
        throw new Error(`instruction ${opcode} does not belong in weights`)
    }
  }

  private top(): unknown {
    if (this.stack.length === 0) throw new Error('a value is missing')
    return this.stack.at(-1)
  }

  private append(items: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) throw new Error('a list is missing')
    for (const item of items) list.push(item)
  }

  private setItems(items: readonly unknown[]): void {
    const target = this.top()
    if (!(target instanceof Map) || items.length % 2 !== 0) throw new Error('a dictionary is missing')
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1])
  }
}

const STOP = 0x2e

/** Instructions that push a value, by opcode, with their names in Python's pickletools. */
const VALUES: Readonly<Partial<Record<number, (m: Machine) => unknown>>> = {
  /* NONE */ 0x4e: () => null,
  /* NEWTRUE */ 0x88: () => true,
  /* NEWFALSE */ 0x89: () => false,
  /* BININT */ 0x4a: (m) => m.reader.int32(),
  /* BININT1 */ 0x4b: (m) => m.reader.uint8(),
  /* BININT2 */ 0x4d: (m) => m.reader.uint16(),
  /* LONG1 */ 0x8a: (m) => m.long(),
  /* BINFLOAT */ 0x47: (m) => m.reader.float64(),
  /* BINUNICODE */ 0x58: (m) => m.reader.text(m.reader.uint32()),
  /* SHORT_BINUNICODE */ 0x8c: (m) => m.reader.text(m.reader.uint8()),
  /* BINSTRING */ 0x54: (m) => m.reader.text(m.reader.uint32()),
  /* SHORT_BINSTRING */ 0x55: (m) => m.reader.text(m.reader.uint8()),
  /* BINBYTES */ 0x42: (m) => m.reader.bytes(m.reader.uint32()),
  /* SHORT_BINBYTES */ 0x43: (m) => m.reader.bytes(m.reader.uint8()),
  /* EMPTY_LIST */ 0x5d: () => [],
  /* EMPTY_TUPLE */ 0x29: () => [],
  /* EMPTY_DICT */ 0x7d: () => new Map(),
  /* TUPLE */ 0x74: (m) => m.popMarked(),
  /* TUPLE1 */ 0x85: (m) => m.popTuple(1),
  /* TUPLE2 */ 0x86: (m) => m.popTuple(2),
  /* TUPLE3 */ 0x87: (m) => m.popTuple(3),
  /* GLOBAL */ 0x63: (m) => m.global(m.reader.line(), m.reader.line()),
  /* STACK_GLOBAL */ 0x93: (m) => m.global(...(m.popTuple(2) as [unknown, unknown])),
  /* REDUCE */ 0x52: (m) => m.call(),
  /* NEWOBJ */ 0x81: (m) => m.call(),
  /* BINPERSID */ 0x51: (m) => m.host.persistent(m.pop()),
  /* BINGET */ 0x68: (m) => m.recall(m.reader.uint8()),
  /* LONG_BINGET */ 0x6a: (m) => m.recall(m.reader.uint32()),
}
