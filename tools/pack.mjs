// npm run pack:bench [-- FILE]: packs everything that the benchmarks and the golden tests need into one archive, for a
// Linux machine that has a GPU and its driver but neither Node nor a network: Node itself, Dawn, the bundled programs
// and, if FILE names one, the Vulkan loader (libvulkan.so.1). Unpack it there and run ./run.sh step, ops, tiles or
// golden.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'pack')
const name = `sae-webgpu-bench-${process.platform}-${process.arch}`
const stage = join(folder, name)
const [loader] = process.argv.slice(2)

rmSync(folder, { recursive: true, force: true })
mkdirSync(join(stage, 'lib'), { recursive: true })
cpSync(process.execPath, join(stage, 'node'))
if (loader) cpSync(loader, join(stage, 'lib', 'libvulkan.so.1'), { dereference: true })

await build({
  entryPoints: {
    step: join(root, 'bench/step.ts'),
    ops: join(root, 'bench/ops.ts'),
    tiles: join(root, 'bench/tiles.ts'),
    golden: join(root, 'tools/test-golden.ts'),
  },
  outdir: join(stage, 'programs'),
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Dawn's package must find its native addon in its own folder, benchmark.js loads its packages at run time, and the
  // software driver is not needed.
  external: ['webgpu', 'benchmark', '@sparticuz/chromium'],
  // CommonJS packages need `require`.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  logLevel: 'warning',
})

const dawn = dirname(fileURLToPath(import.meta.resolve('webgpu')))
const target = join(stage, 'node_modules/webgpu')
mkdirSync(join(target, 'dist'), { recursive: true })
for (const file of ['package.json', 'index.js', `dist/${process.platform}-${process.arch}`])
  cpSync(join(dawn, file), join(target, file), { recursive: true })

for (const dependency of ['benchmark', 'lodash', 'platform'])
  cpSync(join(root, 'node_modules', dependency), join(stage, 'node_modules', dependency), { recursive: true })

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
const script = `#!/bin/sh
# ./run.sh step|ops|tiles|golden [arguments]
cd "$(dirname "$0")" || exit 1
program=$1; shift
export SAE_COMMIT=${commit} LD_LIBRARY_PATH="$PWD/lib:$LD_LIBRARY_PATH"
exec ./node "programs/$program.mjs" "$@"
`
writeFileSync(join(stage, 'run.sh'), script)
chmodSync(join(stage, 'run.sh'), 0o755)

const archive = join(folder, `${name}.tar.xz`)
execFileSync('tar', ['-cJf', archive, '-C', folder, name], { env: { ...process.env, XZ_OPT: '-T0' } })
rmSync(stage, { recursive: true })
console.log(archive)
