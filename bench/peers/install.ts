import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

/**
 * Installs the peers that are npm packages, unless they are there. Returns false on failure, for example without a
 * network.
 */
export function installPeers(): boolean {
  if (existsSync(`${folder}node_modules/onnxruntime-node`)) return true
  console.log('installing the peers into bench/peers/node_modules (once, about 0.6 GB)')
  const options = ['--no-package-lock', '--no-audit', '--no-fund']
  const { status } = spawnSync('npm', ['install', '--prefix', folder, ...options], {
    stdio: 'inherit',
    // Its installation would download CUDA libraries from elsewhere.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  return status === 0
}
