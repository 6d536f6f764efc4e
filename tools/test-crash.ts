// npm run test:crash [-- KILLS [SEED]]: kills a tiny training run again and again, 120 times by default. Checks after
// each kill that every file is whole, and at the end of each run that the results are bit-identical to an uninterrupted
// run's.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killRuns } from '../test/crash/kill-runs.js'
import { TinyRun } from '../test/crash/tiny-run.js'

const kills = Number(process.argv[2] ?? 120)
const seed = Number(process.argv[3] ?? 1)
const folder = mkdtempSync(join(tmpdir(), 'sae-crash-'))
try {
  const run = await TinyRun.make(folder)
  const begin = performance.now()
  const { code, errors } = await run.start('whole', 'beginning').ending
  if (code !== 0) throw new Error(`the uninterrupted run ended with ${code}: ${errors.join('\n')}`)
  const seconds = (performance.now() - begin) / 1000
  console.log(`uninterrupted: ${run.epochs} epochs, ${seconds.toFixed(1)} s`)
  const report = await killRuns(run, 'whole', seconds, kills, seed)
  console.log(
    `${report.kills} kills (seed ${seed}), ${report.whileWriting} of them left a half-written temporary file; ` +
      `${report.finished} runs finished with the same weights and log; every checkpoint was whole after every kill`,
  )
  rmSync(folder, { recursive: true })
} catch (error) {
  console.log(`what was found: ${folder}`)
  throw error
}
