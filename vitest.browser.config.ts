import { defineConfig } from 'vitest/config'

// Tests that drive a Chromium: apart from the others, because not every machine has one.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
  },
})
