import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/io/safetensors.js'
import { useGpu } from '../gpu.js'
import { configurations } from './configurations.js'
import { goldenFiles } from './files.js'
import { checkOps } from './ops.js'
import { reproduced } from './report.js'
import { checkStep } from './step.js'

const { folder, ops, steps } = goldenFiles()
const device = useGpu()

describe.skipIf(ops.length + steps.length === 0)('golden tensors of PyTorch on the GPU', () => {
  describe.each(configurations)('$name', ({ options, on }) => {
    for (const file of [...ops, ...steps]) {
      it(file, async () => {
        const golden = readSafetensors(readFileSync(join(folder, file)), file)
        const check = file.startsWith('step_') ? checkStep : checkOps
        const rows = await on(device.gpu, () => check(device.gpu, golden, options))
        expect(rows.length).toBeGreaterThan(0)
        expect(rows.filter((row) => !reproduced(row))).toEqual([])
      })
    }
  })
})
