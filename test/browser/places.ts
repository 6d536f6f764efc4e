/** The places that the core runs in. */
import { SHARE_ENV, Worker } from 'node:worker_threads'
import type { Page } from 'playwright-core'
import type { DeviceWish } from '../device-wish.js'
import { openTestGpu } from '../gpu.js'
import { bundle } from './bundle.js'
import { openChromium } from './chromium.js'
import { runCore, type CoreResult } from './core.js'
import type { Core } from './page.js'
import { serve } from './static-server.js'

/** In the thread of the test. */
export async function inNode(wish?: DeviceWish): Promise<CoreResult> {
  const gpu = await openTestGpu(wish)
  try {
    return await runCore(gpu)
  } finally {
    gpu.dispose()
  }
}

/** In a worker thread, which opens a device of its own. */
export function inNodeWorker(): Promise<CoreResult> {
  return new Promise((resolve, reject) => {
    // The library tells the Vulkan loader of the bundled SwiftShader by an environment variable, and a worker's own copy
    // of the environment never reaches the loader.
    const worker = new Worker(new URL('node-worker.mjs', import.meta.url), { env: SHARE_ENV })
    let result: CoreResult | undefined
    worker.once('message', (message: CoreResult) => (result = message))
    worker.once('error', reject)
    // Not before the thread has ended: a device that cannot be given back would show only then.
    worker.once('exit', (code) => {
      if (result && code === 0) resolve(result)
      else reject(new Error(`the worker ended with code ${code}${result ? '' : ' and no result'}`))
    })
  })
}

/** In a Chromium, either in a page or in a module Web Worker. */
export async function inChromium(
  executablePath: string,
  where: keyof Core,
  wish?: DeviceWish,
): Promise<CoreResult> {
  const server = await serve({
    '/': {
      type: 'text/html',
      text: '<!doctype html><title>core</title><script type="module" src="/page.js"></script>',
    },
    '/page.js': { type: 'text/javascript', text: await bundle('page.ts') },
    '/web-worker.js': { type: 'text/javascript', text: await bundle('web-worker.ts') },
  })
  const browser = await openChromium(executablePath)
  try {
    const page = await browser.newPage()
    await page.goto(server.url)
    return await call(page, where, wish)
  } finally {
    await browser.close()
    await server.close()
  }
}

function call(page: Page, where: keyof Core, wish: DeviceWish | undefined): Promise<CoreResult> {
  return page.evaluate(([where, wish]) => (globalThis as unknown as { core: Core }).core[where](wish), [
    where,
    wish,
  ] as const)
}
