// npm run test:golden [-- DIR]: reproduces PyTorch's golden tensors on every adapter, in every shipped configuration, and
// prints a table. The adapters are all installed software drivers, or the one that SAE_ADAPTER names.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors } from '../src/io/safetensors.js'
import { adapterVariable, chooseAdapter, findAdapters, openAdapter } from '../src/node/index.js'
import { configurations } from '../test/golden/configurations.js'
import { goldenFiles } from '../test/golden/files.js'
import { checkOps } from '../test/golden/ops.js'
import { reproduced, type GoldenRow } from '../test/golden/report.js'
import { checkStep } from '../test/golden/step.js'

const { folder, ops, steps } = goldenFiles(process.argv[2])
const wanted = process.env[adapterVariable]
const found = await findAdapters()
const adapters = wanted ? [chooseAdapter(found, wanted)] : found
if (adapters.length === 0) chooseAdapter(found)

let failed = 0
let passed = 0
for (const adapter of adapters) {
  const gpu = await openAdapter(adapter)
  for (const { name, options, on } of configurations) {
    console.log(`\n${adapter.name} (${adapter.kind}), ${name}`)
    for (const file of [...ops, ...steps]) {
      const golden = readSafetensors(readFileSync(join(folder, file)), file)
      const check = file.startsWith('step_') ? checkStep : checkOps
      const rows = await on(gpu, () => check(gpu, golden, options))
      console.log(`\n  ${file}`)
      for (const row of rows) {
        console.log(`    ${line(row)}`)
        if (reproduced(row)) passed++
        else failed++
      }
    }
  }
  gpu.dispose()
}
console.log(`\n${passed} passed, ${failed} failed`)
// Dawn keeps the event loop alive as long as a GPU object exists.
process.exit(failed > 0 || passed === 0 ? 1 : 0)

function line(row: GoldenRow): string {
  const { group, tensors, worst, tolerance, unit } = row
  const count = `${tensors} tensor${tensors === 1 ? '' : 's'}`
  return [
    group.padEnd(18),
    count.padStart(11),
    `worst ${worst.toExponential(2)} ${unit}`.padEnd(28),
    `allowed ${tolerance.toExponential(0)}`,
    reproduced(row) ? 'ok' : 'FAILED',
  ].join('  ')
}
