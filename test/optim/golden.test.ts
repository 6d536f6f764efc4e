import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../src/io/safetensors.js'
import { goldenFiles } from '../golden/files.js'
import { checkOptimiser, optimisers } from '../golden/optimisers.js'
import { GoldenReport, reproduced } from '../golden/report.js'
import { useGpu } from '../gpu.js'

const device = useGpu()
const file = join(goldenFiles().folder, 'ops_general.safetensors')

describe.skipIf(!existsSync(file))("PyTorch's parameters after four steps", () => {
  it.each(Object.keys(optimisers))('%s', async (name) => {
    const report = new GoldenReport()
    expect(await checkOptimiser(device.gpu, report, name, readSafetensors(readFileSync(file)))).toBe(true)
    expect(report.rows.length).toBe(1)
    expect(report.rows.filter((row) => !reproduced(row))).toEqual([])
  })
})
