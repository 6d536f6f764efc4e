/**
 * Noise from a counter. The uniform one is bit for bit as shaders/noise/uniform.wgsl makes it:
 *
 *   output[n, c, v] = ((bits >> 9) + 0.5) 2^-23,   bits = pcg4d(v', floor(c / 4), step, seed)[c mod 4]
 *
 * v' counts the voxels through the whole batch. pcg4d is the hash of Jarzynski and Olano, "Hash functions for GPU
 * rendering", JCGT 9(3), 2020.
 */
import { forEachVoxel, zeros, type NdArray } from './nd-array.js'

/**
 * Noise of shape [N, C, ...] for a seed and a step, each an unsigned integer of 32 bits; of another stream where 2^16
 * stream is added to the second word of the hash.
 */
export function uniformNoise(shape: readonly number[], seed: number, step: number, stream = 0): NdArray {
  const output = zeros(shape)
  let voxel = 0
  forEachVoxel(output, (channels) => {
    for (let c = 0; c < channels.length; c += 4) {
      const bits = pcg4d(voxel, 65536 * stream + c / 4, step, seed)
      channels
        .slice(c, c + 4)
        .forEach((offset, i) => (output.data[offset] = ((bits[i]! >>> 9) + 0.5) / 2 ** 23))
    }
    voxel++
  })
  return output
}

/**
 * Standard normal noise of shape [N, C, ...], as shaders/noise/normal.wgsl makes it but for roundings: of four uniform
 * variates u, w, u', w' come the channels sqrt(-2 log u) cos(2 pi w), sqrt(-2 log u) sin(2 pi w), and the same of u', w'.
 */
export function normalNoise(shape: readonly number[], seed: number, step: number, stream = 0): NdArray {
  const output = zeros(shape)
  let voxel = 0
  forEachVoxel(output, (channels) => {
    for (let c = 0; c < channels.length; c += 4) {
      const bits = pcg4d(voxel, 65536 * stream + c / 4, step, seed)
      const [u, w, u2, w2] = bits.map((word) => ((word >>> 9) + 0.5) / 2 ** 23) as Four
      const normals = [...boxMuller(u, w), ...boxMuller(u2, w2)]
      channels.slice(c, c + 4).forEach((offset, i) => (output.data[offset] = normals[i]!))
    }
    voxel++
  })
  return output
}

function boxMuller(u: number, w: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(u))
  return [radius * Math.cos(2 * Math.PI * w), radius * Math.sin(2 * Math.PI * w)]
}

type Four = [number, number, number, number]

/** Four well-mixed words of 32 bits from four. */
export function pcg4d(...key: Four): Four {
  const v = key.map((word) => (Math.imul(word, 1664525) + 1013904223) | 0) as Four
  mix(v)
  // WGSL's >> of an unsigned vector is the logical shift.
  for (let i = 0; i < 4; i++) v[i]! ^= v[i]! >>> 16
  mix(v)
  return v.map((word) => word >>> 0) as Four
}

function mix(v: Four): void {
  v[0] = (v[0] + Math.imul(v[1], v[3])) | 0
  v[1] = (v[1] + Math.imul(v[2], v[0])) | 0
  v[2] = (v[2] + Math.imul(v[0], v[1])) | 0
  v[3] = (v[3] + Math.imul(v[1], v[2])) | 0
}
