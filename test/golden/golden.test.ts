import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/io/safetensors.js'
import { useGpu } from '../gpu.js'
import { goldenFiles } from './files.js'
import { checkOps } from './ops.js'
import { reproduced } from './report.js'
import { checkStep } from './step.js'

const { folder, ops, steps } = goldenFiles()
const device = useGpu()

describe.skipIf(ops.length + steps.length === 0)('golden tensors of PyTorch on the GPU', () => {
  for (const file of [...ops, ...steps]) {
    it(file, async () => {
      const golden = readSafetensors(readFileSync(join(folder, file)), file)
      const rows = await (file.startsWith('step_') ? checkStep : checkOps)(device.gpu, golden)
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.filter((row) => !reproduced(row))).toEqual([])
    })
  }
})
