import { build } from 'esbuild'
import { expect, it } from 'vitest'

it('bundles for a browser, with no Node module and no runtime dependency but the shader preprocessor', async () => {
  // For a browser esbuild fails on any import of a Node module.
  const { errors, warnings, metafile } = await build({
    entryPoints: ['src/index.ts'],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  expect([...errors, ...warnings]).toEqual([])
  const packages = Object.keys(metafile.inputs).flatMap((file) => /node_modules.*/.exec(file)?.[0] ?? [])
  expect(packages).toEqual(['node_modules/wgsl-preprocessor/wgsl-preprocessor.js'])
  const layers = new Set(Object.keys(metafile.inputs).map((file) => file.split('/').slice(0, 2).join('/')))
  for (const layer of ['src/gpu', 'src/graph', 'src/plan', 'src/ops', 'src/nn', 'src/optim', 'src/sae']) {
    expect(layers).toContain(layer)
  }
  for (const layer of ['src/node', 'src/cli']) expect(layers).not.toContain(layer)
  const files = Object.keys(metafile.inputs).filter((file) => file.startsWith('src/io/'))
  expect(files).toEqual(['src/io/json.ts', 'src/io/safetensors.ts'])
})
