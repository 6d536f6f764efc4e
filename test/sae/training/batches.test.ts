import { expect, it } from 'vitest'
import { loadBatch } from '../../../src/sae/training/batches.js'

it('does not put scans of different sizes side by side', async () => {
  const scans = [8, 8, 4, 12].map((voxels, i) => ({ name: `s${i}`, data: new Float32Array(voxels).fill(i) }))
  const [a, b, short, long] = scans as [(typeof scans)[0], ...typeof scans]
  expect([...(await loadBatch([a, b!])).data]).toEqual([...a.data, ...b!.data])
  // As many numbers as two scans of 8, once the place of the second is filled up.
  await expect(loadBatch([a, short!])).rejects.toThrow('s2: 4 numbers, but s0 of its batch has 8')
  await expect(loadBatch([a, long!])).rejects.toThrow('s3: 12 numbers, but s0 of its batch has 8')
})
