import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// Within the repository the page is built from the library's sources; elsewhere from the installed package.
const sources = fileURLToPath(new URL('../../src/', import.meta.url))
const alias = existsSync(`${sources}index.ts`)
  ? [
      { find: /^sae-webgpu$/, replacement: `${sources}index.ts` },
      { find: /^sae-webgpu\/io$/, replacement: `${sources}io/index.ts` },
    ]
  : []

export default defineConfig({
  // Relative addresses: the files work from any folder of any server.
  base: './',
  resolve: { alias },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 4000 },
})
