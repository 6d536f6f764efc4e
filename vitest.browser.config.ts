import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'

/** The last line of a run: how many tests passed and failed. */
const lastLine: Reporter = {
  onTestRunEnd(modules) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++
      // A file that does not load and a hook that fails have errors of their own, and their tests count as skipped.
      for (const suite of [module, ...module.children.allSuites()]) count.failed += suite.errors().length
    }
    const unrun = count.skipped + count.pending
    console.log(`browser tests: ${count.passed} passed, ${count.failed} failed, ${unrun} skipped`)
  },
}

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: 'test/browser/setup.ts',
    // A software driver compiles every kernel anew in every place.
    testTimeout: 900_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['default', lastLine],
  },
})
