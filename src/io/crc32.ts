/** Contribution of a byte that 0, 1, 2 or 3 others follow, [4][256]: four bytes are processed at once. */
const TABLES = tables()

function tables(): readonly Uint32Array[] {
  const first = new Uint32Array(256).map((_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
    return crc
  })
  const all = [first]
  for (let i = 1; i < 4; i++) all.push(all[i - 1]!.map((crc) => first[crc & 255]! ^ (crc >>> 8)))
  return all
}

/** CRC-32 as in RFC 1952, section 8, which zip archives use too; `previous` is the value over what came before. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  const [one, two, three, four] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  let crc = ~previous
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc = four[crc & 255]! ^ three[(crc >>> 8) & 255]! ^ two[(crc >>> 16) & 255]! ^ one[crc >>> 24]!
  }
  for (; i < bytes.length; i++) crc = one[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}
