// npm run check:package: packs the package as npm would publish it, and runs publint and attw on the tarball.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sae-webgpu-package-'))
const run = (program, ...args) =>
  execFileSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  })
try {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [{ filename, size, entryCount, files }] = JSON.parse(packed)
  // The 5 MB of the page, if it was built here: git ignores them, but npm does not.
  const built = files.filter(({ path }) => /^examples\/[^/]+\/dist\//.test(path))
  if (built.length > 0) throw new Error(`${built.length} files are built, not source: ${built[0].path} ..`)
  console.log(`${filename}: ${entryCount} files, ${Math.round(size / 1000)} kB`)
  const tarball = join(folder, filename)
  run('npx', 'publint', 'run', tarball, '--strict')
  // One format, whatever the width of the terminal. The package is ESM only: CommonJS and TypeScript's node10 resolution
  // do not matter.
  run('npx', 'attw', tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii')
} catch (error) {
  // The tools have printed what is wrong.
  process.exitCode = error.status ?? 1
  if (error.status === undefined) throw error
} finally {
  rmSync(folder, { recursive: true })
}
