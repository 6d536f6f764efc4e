import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One process per file: a device must not outlive its tests, and two software devices would share two cores.
    pool: 'forks',
    maxWorkers: 2,
  },
})
