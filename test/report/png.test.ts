import { decode } from 'fast-png'
import { expect, it } from 'vitest'
import { encodePng, pngUrl } from '../../src/report/png.js'

it('encodePng writes a picture that reads back as the same pixels', () => {
  const data = Uint8Array.from({ length: 5 * 3 * 4 }, (_, i) => (i * 37) % 256)
  const png = encodePng({ width: 5, height: 3, data })
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
  expect(decode(png, { checkCrc: true })).toMatchObject({ width: 5, height: 3, depth: 8, channels: 4, data })
})

it.each([
  ['grey', [9, 9, 9, 255, 200, 200, 200, 255], [9, 200]],
  ['coloured', [9, 9, 9, 255, 200, 100, 50, 255], [9, 9, 9, 200, 100, 50]],
])('pngUrl keeps the pixels of a %s picture', (_, data, expected) => {
  const url = pngUrl({ width: 1, height: 2, data: Uint8Array.from(data) })
  const picture = decode(Buffer.from(url.split(',')[1]!, 'base64'), { checkCrc: true })
  expect(picture).toMatchObject({ width: 1, height: 2, data: Uint8Array.from(expected) })
})
