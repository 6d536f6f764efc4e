/** Runs the core in a worker thread of Node and posts what it found. */
import { parentPort } from 'node:worker_threads'
import { openGpu } from '../../src/node/index.js'
import { runCore } from './core.js'

const gpu = await openGpu()
try {
  const result = await runCore(gpu)
  parentPort!.postMessage(result)
} finally {
  gpu.dispose()
}
