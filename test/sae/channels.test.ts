import { expect, it } from 'vitest'
import { joinChannels, splitChannels } from '../../src/sae/channels.js'

const [first, second] = [Float32Array.of(1, 2), Float32Array.of(3, 4)]

it('joins channels, and splits them again', () => {
  const scan = joinChannels([first, second])
  expect([...scan]).toEqual([1, 2, 3, 4])
  expect(splitChannels(scan, [1, 1, 2])).toEqual([first, second])
  expect(joinChannels([first])).toBe(first)
})

it('refuses channels of different sizes, and none', () => {
  for (const channels of [
    [first, Float32Array.of(3)],
    [Float32Array.of(3), first],
  ])
    expect(() => joinChannels(channels)).toThrow(/a scan of channels of [12] and [12] voxels/)
  expect(() => joinChannels([])).toThrow('a scan of channels of no voxels')
})
