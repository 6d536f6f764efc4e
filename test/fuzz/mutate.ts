import { seededRandom } from '../../src/nn/random.js'

/** Draws for one case; the same seed gives the same case. */
export class Draw {
  private readonly random: () => number

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** A whole number, 0..below-1. */
  whole(below: number): number {
    return Math.floor(this.random() * below)
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.whole(items.length)]!
  }
}

/** Lengths, counts and offsets at which readers go wrong. */
export const awkwardNumbers = [
  0,
  1,
  -1,
  2,
  7,
  127,
  128,
  255,
  256,
  32767,
  32768,
  65535,
  2 ** 24 + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 40,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 31),
  0.5,
  1e-320,
  1e308,
]

export const awkwardTexts = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'Map',
  '\x1b[2J\x1b]0;title\x07',
  '\u202egnp.exe',
  '\ud800',
  '../../etc/passwd',
  '\0',
  '\r\n',
  '\t',
  'NaN',
  'Infinity',
  '1e999',
  '9007199254740993',
  '-0',
  '0x10',
  'ä'.repeat(500),
  'x'.repeat(5000),
  '*',
]

/** One to four changes of bytes: flipped, overwritten with awkward numbers, cut, repeated, moved, inserted. */
export function mutateBytes(bytes: Uint8Array, draw: Draw): Uint8Array {
  let out = Uint8Array.from(bytes)
  for (let changes = 1 + draw.whole(4); changes > 0; changes--) out = draw.pick(changesOfBytes)(out, draw)
  return out
}

const changesOfBytes: readonly ((bytes: Uint8Array<ArrayBuffer>, draw: Draw) => Uint8Array<ArrayBuffer>)[] = [
  (bytes, draw) => {
    if (bytes.length > 0) bytes[draw.whole(bytes.length)]! ^= 1 << draw.whole(8)
    return bytes
  },
  (bytes, draw) => {
    if (bytes.length > 0)
      bytes[draw.whole(bytes.length)] = draw.pick([0, 1, 0x7f, 0x80, 0xff, draw.whole(256)])
    return bytes
  },
  (bytes, draw) => {
    const size = draw.pick([2, 4, 8])
    if (bytes.length < size) return bytes
    const view = new DataView(bytes.buffer)
    const at = draw.whole(bytes.length - size + 1)
    const [value, little] = [draw.pick(awkwardNumbers), draw.chance(0.5)]
    if (size === 2) view.setInt16(at, value, little)
    else if (size === 4 && draw.chance(0.5)) view.setInt32(at, value, little)
    else if (size === 4) view.setFloat32(at, value, little)
    else if (draw.chance(0.5)) view.setBigInt64(at, BigInt(Math.trunc(value)), little)
    else view.setFloat64(at, value, little)
    return bytes
  },
  (bytes, draw) => bytes.slice(0, draw.whole(bytes.length + 1)),
  (bytes, draw) => bytes.slice(draw.whole(Math.min(bytes.length, 16) + 1)),
  (bytes, draw) => {
    const [at, length] = [draw.whole(bytes.length + 1), draw.whole(64)]
    return joined(bytes.subarray(0, at + length), bytes.subarray(at))
  },
  (bytes, draw) => {
    const [at, length] = [draw.whole(bytes.length + 1), draw.whole(64)]
    return joined(bytes.subarray(0, at), bytes.subarray(at + length))
  },
  (bytes, draw) => {
    const [at, rest] = [draw.whole(bytes.length + 1), new Uint8Array(draw.whole(32))]
    for (let i = 0; i < rest.length; i++) rest[i] = draw.whole(256)
    return joined(bytes.subarray(0, at), rest, bytes.subarray(at))
  },
  (bytes, draw) => {
    const [from, to, length] = [draw.whole(bytes.length + 1), draw.whole(bytes.length + 1), draw.whole(32)]
    bytes.copyWithin(to, from, from + length)
    return bytes
  },
]

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** A JSON value like this one, but for some of its nodes. */
export function mutateJson(value: unknown, draw: Draw, share = 0.06): unknown {
  if (draw.chance(share)) return awkwardValue(draw)
  if (Array.isArray(value)) {
    const items = value.map((item) => mutateJson(item, draw, share))
    if (draw.chance(share))
      items.splice(draw.whole(items.length + 1), draw.whole(2), ...items.slice(0, draw.whole(3)))
    return items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    if (draw.chance(share / 2)) return []
    return [[draw.chance(share / 2) ? draw.pick(awkwardTexts) : key, mutateJson(item, draw, share)]]
  })
  if (draw.chance(share)) entries.push([draw.pick(awkwardTexts), awkwardValue(draw)])
  return Object.fromEntries(entries)
}

function awkwardValue(draw: Draw): unknown {
  const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)])
  return draw.pick<() => unknown>([
    () => null,
    () => true,
    () => draw.pick(awkwardNumbers),
    () => draw.pick(awkwardTexts),
    () => [],
    () => ({}),
    () => Array.from({ length: draw.whole(100) }, () => draw.pick(awkwardNumbers)),
    () => nested(draw.whole(300)),
    () => Object.fromEntries([['__proto__', { classes: [] }]]),
  ])()
}
