import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// In the repository, build the page from the sources of the library; elsewhere, from the installed package.
const sources = fileURLToPath(new URL('../../src/', import.meta.url))
const alias = existsSync(`${sources}index.ts`)
  ? [
      { find: /^sae-webgpu$/, replacement: `${sources}index.ts` },
      { find: /^sae-webgpu\/report$/, replacement: `${sources}report/index.ts` },
      { find: /^sae-webgpu\/io$/, replacement: `${sources}io/index.ts` },
    ]
  : []

export default defineConfig({
  // Relative URLs, so that the files work in any folder of any server.
  base: './',
  resolve: { alias },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 4000 },
})
