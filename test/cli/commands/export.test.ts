import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTensors, writeTensors, type Float32Tensor } from '../../../src/io/files.js'
import { checkpointInfo, checkpointMetadata } from '../../../src/sae/checkpoint.js'
import { createModel, type Architecture } from '../../../src/sae/model.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { decodeOnnx } from '../../sae/gpu/onnx-decode.js'
import { sae, succeed } from '../support.js'

const architecture: Architecture = {
  classes: phantomTable.classes.length,
  widths: [2, 3],
  instanceNorm: true,
  priorLogits: true,
}
const info = { architecture, table: phantomTable, intensities: 'robust', training: undefined } as const

let folder = ''
const at = (name: string): string => join(folder, name)
const tensors = new Map<string, Float32Tensor>()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sae-export-'))
  for (const { name, shape, initial } of createModel(architecture, 5).parameters)
    tensors.set(name, { shape, data: Float32Array.from(initial!) })
  const saved = new Map(tensors).set('adam.m.encoder.conv.bias', { shape: [2], data: new Float32Array(2) })
  await writeTensors(at('best.safetensors'), saved, checkpointMetadata(info))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('sae export', { timeout: 60_000 }, () => {
  it('writes the encoder as ONNX, with what its user must know', async () => {
    const { stdout } = await succeed(['export', at('best.safetensors'), at('e.onnx'), '--shape', '15,16,13'])
    expect(stdout).toContain('for scans of 15x16x13 voxels, with the prior as second input')
    const { constants, metadata, inputs } = decodeOnnx(await readFile(at('e.onnx')))
    for (const [name, { shape, data }] of tensors) {
      if (!name.startsWith('encoder.')) continue
      expect(constants.get(name)).toEqual({ shape: [...shape], data: Float64Array.from(data) })
    }
    expect(inputs.get('scan')).toEqual([1, 1, 15, 16, 13])
    expect(metadata).toEqual(checkpointMetadata(info))
  })

  it('writes the weights alone as safetensors, which are the same network', async () => {
    await succeed(['export', at('best.safetensors'), at('alone.safetensors')])
    const file = await readTensors(at('alone.safetensors'))
    expect(new Map([...file.tensors].map(([name, { data }]) => [name, data]))).toEqual(
      new Map([...tensors].map(([name, { data }]) => [name, data])),
    )
    const floats = new Map([...tensors].map(([name, tensor]) => [name, { ...tensor }]))
    expect(checkpointInfo({ tensors: floats, metadata: file.metadata }, 'a')).toEqual(info)
    // Its checksum holds.
    await succeed(['export', at('alone.safetensors'), at('again.onnx')])
  })

  it.each([
    [['best.safetensors', 'x.pt'], /x\.pt: weights are exported as \.onnx or \.safetensors/],
    [['best.safetensors', 'best.safetensors'], /is an input of this command; give another output/],
    [['best.safetensors', 'x.safetensors', '--shape', '1,1,1'], /--shape is for \.onnx only/],
    [['best.safetensors', 'x.onnx', '--shape', '1,1'], /three whole numbers/],
    [['no.safetensors', 'x.onnx'], /no\.safetensors: cannot be read: no such file/],
  ])('refuses %j', async (args, message) => {
    const [input, output, ...options] = args as [string, string, ...string[]]
    const { code, errors } = await sae(['export', at(input), at(output), ...options])
    expect([code, errors]).toEqual([2, [expect.stringMatching(message)]])
  })
})
