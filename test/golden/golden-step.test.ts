import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/io/safetensors.js'
import { useGpu } from '../gpu.js'
import { goldenFiles } from './files.js'
import { reproduced } from './report.js'
import { checkStep } from './step.js'

const { folder, steps } = goldenFiles()
const device = useGpu()

describe.skipIf(steps.length === 0)('golden training steps on the GPU', () => {
  for (const file of steps) {
    it(file, async () => {
      const rows = await checkStep(device.gpu, readSafetensors(readFileSync(join(folder, file)), file))
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.filter((row) => !reproduced(row))).toEqual([])
    })
  }
})
