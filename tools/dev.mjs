// Embeds shaders whenever one changes, and runs tests in watch mode. Arguments go to vitest: npm run dev --
// test/ops/mrf.test.ts
import { spawn, spawnSync } from 'node:child_process'
import { watch } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = { cwd: root, stdio: 'inherit' }
const embed = () => spawnSync(process.execPath, ['tools/embed-shaders.mjs'], run)

embed()
watch(`${root}/shaders`, { recursive: true }, embed)
const vitest = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'watch', ...process.argv.slice(2)],
  run,
)
vitest.on('exit', (code) => process.exit(code ?? 1))
