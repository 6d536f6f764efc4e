import { execFileSync } from 'node:child_process'
import { defineConfig } from 'vitest/config'

/** The adapters that GPU tests run on: the one that SAE_ADAPTER names, else every one of this machine. */
function adapters(): string[] {
  if (process.env.SAE_ADAPTER) return [process.env.SAE_ADAPTER]
  // In a process of its own, because an adapter that was opened here would stay open.
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'tools/list-adapters.ts'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return String(printed).trim().split('\n').filter(Boolean)
}

/** Folders whose tests open a device. */
const gpuTests = [
  'golden',
  'gpu',
  'graph',
  'library/gpu',
  'nn',
  'onnx',
  'ops',
  'optim',
  'plan',
  'sae/gpu',
  'soak',
  'tuning',
].map((folder) => `test/${folder}/**/*.test.ts`)

/** Tests in browsers have a configuration of their own: `npm run test:browser`. */
const browserTests = 'test/browser/**'

export default defineConfig({
  test: {
    // What `sae tune` measured on this machine must not change what is tested.
    env: { SAE_TILES: 'default' },
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // One process per file: a device must not outlive its tests.
    pool: 'forks',
    maxWorkers: 2,
    // Without it, the report of two unlike files takes longer than all tests.
    diff: { truncateThreshold: 100 },
    projects: [
      {
        extends: true,
        test: { name: 'host', include: ['test/**/*.test.ts'], exclude: [...gpuTests, browserTests] },
      },
      ...adapters().map((adapter, i) => ({
        extends: true as const,
        test: {
          name: adapter,
          include: gpuTests,
          // What might grow with time is the library's own, so one adapter is enough.
          exclude: i > 0 ? ['test/soak/**'] : [],
          env: { SAE_ADAPTER: adapter, SAE_TILES: 'default' },
        },
      })),
    ],
  },
})
