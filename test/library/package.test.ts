import { execFile } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, openChromium } from '../browser/chromium.js'
import { install, root, runNode, type Installed } from './installed.js'

let installed: Installed
/** For an app that runs in browsers only. */
let withoutOptional: Installed
let page: string
beforeAll(() => {
  installed = install(['@webgpu/types', '@types/node'])
  withoutOptional = install([], { omitOptional: true })
  page = withoutOptional.copy('examples/page')
})
afterAll(() => {
  installed.remove()
  withoutOptional.remove()
})

/** A program of a development dependency. */
const tool = (path: string) => join(root, 'node_modules', path)

it('is packed as publint and attw want it', async () => {
  const outcome = await new Promise<{ code: number | null; printed: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['tools/check-package.mjs'],
      { cwd: root },
      (_, stdout, stderr) => {
        resolve({ code: child.exitCode, printed: stdout + stderr })
      },
    )
  })
  expect(outcome.code, outcome.printed).toBe(0)
  expect(outcome.printed).toContain('All good!')
  for (const entry of ['', '/node', '/io', '/onnx', '/report'].map((path) => `sae-webgpu${path}`)) {
    expect(outcome.printed).toContain(`"${entry}"\n\nnode16 (from ESM): OK (ESM)\nbundler: OK`)
  }
})

it('has a reference in which every public symbol is documented', async () => {
  // An undocumented symbol, or a link to nothing, is an error there (typedoc.json).
  await runNode(root, tool('typedoc/bin/typedoc'), '--out', join(installed.folder, 'api'))
  const pages = readdirSync(join(installed.folder, 'api/functions')).map(String)
  expect(pages).toEqual(
    expect.arrayContaining([
      'index.conv3d.html',
      'io.readNifti.html',
      'node.openGpu.html',
      'onnx.onnxNetwork.html',
    ]),
  )
})

it('has sources behind its source maps, and no tests', () => {
  const packed = readdirSync(join(installed.folder, 'node_modules/sae-webgpu'), { recursive: true }).map(
    String,
  )
  expect(packed).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json']))
  const top = new Set(packed.map((file) => file.split(/[\\/]/)[0]!))
  expect([...top].sort()).toEqual([
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'examples', 'package.json', 'src'],
  ])
  const map = packed.find((file) => file.endsWith('sae/training/trainer.js.map'))!
  const folder = join(installed.folder, 'node_modules/sae-webgpu')
  const { sources } = JSON.parse(readFileSync(join(folder, map), 'utf8')) as { sources: string[] }
  expect(readFileSync(join(folder, map, '..', sources[0]!), 'utf8')).toContain('class Trainer')
})

it('runs its command', async () => {
  const version = await runNode(installed.folder, 'node_modules/sae-webgpu/dist/cli/main.js', '--version')
  const { version: packed } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  expect(version.trim()).toBe(packed)
})

it('names the package that its command lacks where optional ones were left out', async () => {
  const program = join(withoutOptional.folder, 'node_modules/sae-webgpu/dist/cli/main.js')
  const outcome = await new Promise<{ code: number | null; printed: string }>((resolve) => {
    const child = execFile(process.execPath, [program, 'info'], (_, stdout, stderr) => {
      resolve({ code: child.exitCode, printed: stdout + stderr })
    })
  })
  expect(outcome).toEqual({
    code: 2,
    printed: expect.stringMatching(
      /^sae: the package [\w@/-]+ is not installed; install sae-webgpu without --omit=optional\n$/,
    ) as string,
  })
})

it('makes pages with pictures where optional packages were left out', async () => {
  const program = `
    import { slicesSection } from 'sae-webgpu/report'
    const grid = { shape: [2, 2, 2], spacing: [1, 1, 1], orientation: 'RAS' }
    const volume = { grid, scan: new Float32Array(8).fill(1), labels: new Uint8Array(8), palette: [undefined] }
    console.log(slicesSection({ volume, affine: undefined }).text)`
  const file = join(withoutOptional.folder, 'report.mjs')
  writeFileSync(file, program)
  expect(await runNode(withoutOptional.folder, file)).toContain('data:image/png;base64,')
})

it('can be bundled for Node, but for Dawn', async () => {
  const entry = join(installed.folder, 'bundled.mjs')
  writeFileSync(entry, `import { openGpu } from 'sae-webgpu/node'\nconsole.log(typeof openGpu)`)
  const outfile = join(installed.folder, 'site/bundle.mjs')
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['webgpu'],
    outfile,
    logLevel: 'silent',
  })
  expect((await runNode(installed.folder, outfile)).trim()).toBe('function')
})

it('has types that a strict program compiles against', async () => {
  const program = `
    import { compile, conv3d, input, parameter, UserError, Variables, type Plan, type Value } from 'sae-webgpu'
    import { readNifti, type Volume } from 'sae-webgpu/io'
    import { openGpu, readVolume } from 'sae-webgpu/node'

    const image: Value = input('image', [1, 1, 4, 4, 4])
    const weight = parameter('weight', [2, 1, 3, 3, 3], new Float32Array(54))
    const gpu = await openGpu()
    const device: GPUDevice = gpu.device
    const plan: Plan = await compile(gpu, { outputs: [conv3d(image, weight)], variables: new Variables(gpu) })
    const volume: Volume = await readVolume('scan.nii.gz')
    export const channels: number = readNifti(new Uint8Array(1), 'scan').channels + volume.channels
    export { device, plan, UserError }
    // @ts-expect-error: a shape is numbers
    input('image', ['one'])`
  writeFileSync(join(installed.folder, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(installed.folder, 'program.ts'), program)
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'ES2022',
    '--lib',
    'ES2023,DOM',
    '--module',
    'NodeNext',
  ]
  const types = ['--types', '@webgpu/types,node']
  await runNode(installed.folder, tool('typescript/bin/tsc'), ...options, ...types, 'program.ts')
})

/** How a page is bundled without any configuration, and where the result lies. */
const bundlers = {
  vite: async () => {
    await runNode(page, tool('vite/bin/vite.js'), 'build')
    return join(page, 'dist')
  },
  esbuild: async () => {
    const site = join(page, 'site')
    // Not its command: where install scripts ran that is no JavaScript.
    await build({
      absWorkingDir: page,
      entryPoints: ['page.js'],
      bundle: true,
      minify: true,
      format: 'esm',
      outdir: site,
      logLevel: 'silent',
    })
    cpSync(join(page, 'index.html'), join(site, 'index.html'))
    return site
  },
}

describe.each(['vite', 'esbuild'] as const)('a page bundled by %s', (name) => {
  let site: string
  beforeAll(async () => {
    site = await bundlers[name]()
  })

  it('carries the kernels that it uses, and no others', () => {
    const scripts = readdirSync(site, { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.js'))
    const text = scripts.map((file) => readFileSync(join(site, file), 'utf8')).join('')
    for (const kernel of ['conv3d/forward', 'cross_entropy/', 'adam/update']) expect(text).toContain(kernel)
    for (const kernel of ['mrf/', 'posterior/', 'gumbel_softmax/']) expect(text).not.toContain(kernel)
    // Nothing is left for the browser to find.
    expect(text).not.toMatch(/from\s*["']sae-webgpu/)
  })

  it('trains in Chromium', async ({ skip }) => {
    const chromium = findChromium()
    skip(chromium === undefined, 'no Chromium on this machine; CHROMIUM_PATH names one')
    const server = await serve(site)
    const browser = await openChromium(chromium!)
    try {
      const tab = await browser.newPage()
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await tab.waitForFunction(() => /done|rror|WebGPU/.test(document.getElementById('log')!.textContent))
      const log = await tab.textContent('#log')
      const losses = [...log!.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss))
      expect(log).toContain('done')
      expect(losses).toHaveLength(7)
      expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!)
    } finally {
      await browser.close()
      server.close()
    }
  })
})

const mimeTypes: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' }

/** Serves a folder to this machine, at a port of its own. */
async function serve(folder: string) {
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : request.url!
    readFile(join(folder, path)).then(
      (content) => response.writeHead(200, { 'Content-Type': mimeTypes[extname(path)] ?? '' }).end(content),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
