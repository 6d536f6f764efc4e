import { describe, expect, it } from 'vitest'
import { gradientError } from './finite-differences.js'
import {
  at,
  channelOf,
  forEachVoxel,
  fromArray,
  map,
  maxAbsError,
  mulberry32,
  relativeError,
  uniform,
  zeros,
} from './nd-array.js'

describe('comparisons', () => {
  it('measure relative to the expected values', () => {
    expect(relativeError([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12)
    expect(maxAbsError([3, 4.5], [3, 4])).toBe(0.5)
    expect(relativeError([0, 0], [0, 0])).toBe(0)
    expect(relativeError([0, 1], [0, 0])).toBe(Infinity)
  })

  it.each([
    { actual: [NaN, 1], expected: [2, 1] },
    { actual: [2, 1], expected: [NaN, 1] },
    { actual: [NaN, 1], expected: [NaN, 1] },
    { actual: [Infinity, 1], expected: [Infinity, 1] },
  ])('never pass $actual against $expected', ({ actual, expected }) => {
    expect(relativeError(actual, expected)).toBe(Infinity)
    expect(maxAbsError(actual, expected)).toBe(Infinity)
  })

  it('refuse other lengths and other shapes', () => {
    expect(() => relativeError([1], [1, 2])).toThrow('cannot compare 1 values with 2')
    expect(() => maxAbsError(zeros([2, 3]), zeros([3, 2]))).toThrow('shapes differ: [2, 3] and [3, 2]')
  })
})

describe('arrays', () => {
  it('are in C order, last axis fastest', () => {
    const shape = [2, 3, 4, 5, 6]
    expect(at(shape, 0, 0, 0, 0, 1)).toBe(1)
    expect(at(shape, 1, 2, 3, 4, 5)).toBe(2 * 3 * 4 * 5 * 6 - 1)
    expect(channelOf(shape, at(shape, 1, 2, 0, 3, 1))).toBe(2)
  })

  it('are walked voxel by voxel with the offsets of the channels', () => {
    const seen: number[][] = []
    forEachVoxel(zeros([2, 2, 1, 1, 2]), (channels) => seen.push([...channels]))
    expect(seen).toEqual([[0, 2], [1, 3], [4, 6], [5, 7]]) // prettier-ignore
  })

  it('refuse a wrong number of values', () => {
    expect(() => fromArray([2, 2], [1, 2, 3])).toThrow('3 values do not fill an array of shape [2, 2]')
  })

  it('are drawn reproducibly and evenly', () => {
    const { data } = uniform([10000], mulberry32(7), 2, 4)
    expect(uniform([10000], mulberry32(7), 2, 4).data).toEqual(data)
    expect(uniform([10000], mulberry32(8), 2, 4).data).not.toEqual(data)
    expect(Math.min(...data)).toBeGreaterThanOrEqual(2)
    expect(Math.max(...data)).toBeLessThan(4)
    // Mean 3, standard deviation of the mean 0.0058.
    expect(Math.abs(data.reduce((sum, x) => sum + x, 0) / data.length - 3)).toBeLessThan(0.03)
  })
})

describe('gradientError', () => {
  const x = uniform([3, 5], mulberry32(1))
  const gradOutput = uniform([3, 5], mulberry32(2))
  const error = (gradient: (v: number, g: number) => number) =>
    gradientError({
      f: (point) => map(point, (v) => v ** 3),
      x,
      gradOutput,
      gradient: map(x, (v, i) => gradient(v, gradOutput.data[i]!)),
    })

  it('is small for the right gradient', () => {
    expect(error((v, g) => 3 * v * v * g)).toBeLessThan(1e-8)
  })

  it('is large for a wrong, a vanishing and a NaN gradient', () => {
    expect(error((v, g) => 3.01 * v * v * g)).toBeGreaterThan(1e-3)
    expect(error(() => 0)).toBe(1)
    expect(error(() => NaN)).toBe(Infinity)
  })
})
