/** Labelling a volume by a network that needs whole volumes between its layers. */
import { describe, expect, it } from 'vitest'
import { meshNet, type MeshNetLayer } from '../../../../src/nn/index.js'
import { draftOf } from '../../../../src/plan/draft.js'
import { totalOf } from '../../../../src/plan/memory-need.js'
import { labelling, VolumeLabeller } from '../../../../src/sae/prepare/volume-labeller.js'
import { useGpu } from '../../../gpu.js'
import { mulberry32 } from '../../../reference/nd-array.js'

const device = useGpu()

/** Layers like MindGrab's: normalised convolutions with these dilations, then one of 1x1x1. */
function layersOf(channels: number, dilations: readonly number[]): MeshNetLayer[] {
  const random = mulberry32(5)
  const layer = (
    name: string,
    [outputs, inputs, kernel]: readonly [number, number, number],
    dilation: number,
    rest: Pick<MeshNetLayer, 'normalised' | 'activation'>,
  ): MeshNetLayer => ({
    ...{ name, shape: [outputs, inputs, kernel, kernel, kernel], dilation: [dilation, dilation, dilation] },
    ...rest,
    weight: Float32Array.from({ length: outputs * inputs * kernel ** 3 }, () => random() - 0.5),
    bias: new Float32Array(outputs),
  })
  return [
    ...dilations.map((dilation, i) =>
      layer(`conv${i}`, [channels, i === 0 ? 1 : channels, 3], dilation, {
        normalised: true,
        activation: 'gelu',
      }),
    ),
    layer('output', [2, channels, 1], 1, { normalised: false, activation: 'linear' }),
  ]
}

/** MindGrab but for its weights. */
const mindGrab = layersOf(15, Array.from({ length: 5 }, () => [16, 8, 4, 2, 1]).flat())

describe('VolumeLabeller', () => {
  it('labels a conformed scan by MindGrab within 2 GB of device memory', async () => {
    expect(mindGrab).toHaveLength(26)
    const { request } = labelling(meshNet(mindGrab), [256, 256, 256])
    const { need } = await draftOf(device.gpu, request)
    expect(totalOf(need)).toBeLessThan(2e9)
    const { request: tight } = labelling(meshNet(mindGrab), [256, 256, 256], { memoryLimit: 1.5e9 })
    expect(totalOf((await draftOf(device.gpu, tight)).need)).toBeLessThan(1.5e9)
    // The volume between two layers exists once.
    expect(totalOf(need)).toBeGreaterThan(15 * 256 ** 3 * 4)
  })

  it('gives the same labels in that memory, and takes no more than it says', async () => {
    const shape = [99, 32, 40] as const
    const network = meshNet(layersOf(3, [16, 8, 4, 2, 1, 5]))
    const random = mulberry32(6)
    const scan = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, random)
    const labelled = async (memoryLimit?: number) => {
      const labeller = await VolumeLabeller.create(device.gpu, network, shape, { memoryLimit })
      try {
        const labels = await labeller.label(scan)
        await expect(labeller.label(scan.with(7, -Infinity))).rejects.toThrow('voxel 7 is -Infinity')
        return { labels, again: await labeller.label(scan), ...labeller.preparation }
      } finally {
        labeller.dispose()
      }
    }
    const whole = await labelled()
    expect(whole.slabs).toBe(1)
    expect(whole.labels).toContain(0)
    expect(whole.labels).toContain(1)
    const before = device.gpu.buffers.bytes
    device.gpu.buffers.resetPeak()
    const tight = await labelled(whole.bytes - 1)
    expect(tight.slabs).toBeGreaterThan(1)
    expect(device.gpu.buffers.peakBytes - before).toBeLessThan(whole.bytes)
    expect(tight.labels).toEqual(whole.labels)
    expect(tight.again).toEqual(whole.labels)
  })
})
