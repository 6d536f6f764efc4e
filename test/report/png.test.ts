import { decode } from 'fast-png'
import { expect, it } from 'vitest'
import { encodePng } from '../../src/report/png.js'

it('encodePng writes a picture that reads back as the same pixels', () => {
  const data = Uint8Array.from({ length: 5 * 3 * 4 }, (_, i) => (i * 37) % 256)
  const png = encodePng({ width: 5, height: 3, data })
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
  expect(decode(png)).toMatchObject({ width: 5, height: 3, depth: 8, channels: 4, data })
})
