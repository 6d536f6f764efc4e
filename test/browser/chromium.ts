import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'
import { serve } from './static-server.js'

/** Where a Chromium may be installed. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** What tests say that are skipped for want of a browser. */
export const missingChromium = 'SKIPPED: no Chromium with WebGPU on this machine; CHROMIUM_PATH may name one'

/**
 * The Chromium that tests open, or undefined where there is none: the one that CHROMIUM_PATH names, which `chooseChromium`
 * sets before all tests and leaves empty where none has WebGPU; else one that is installed.
 */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env
  if (CHROMIUM_PATH !== undefined) return CHROMIUM_PATH || undefined
  return installed()[0]
}

/**
 * Chooses the Chromium of a test run: the one that CHROMIUM_PATH names, else the first that has WebGPU of those that
 * are installed and the one that the dev dependency `@sparticuz/chromium` carries. Its path is left in CHROMIUM_PATH,
 * for the processes of the tests.
 */
export async function chooseChromium(): Promise<void> {
  if (process.env.CHROMIUM_PATH) return
  for (const candidate of [...installed(), bundled]) {
    const path = typeof candidate === 'string' ? candidate : await candidate()
    if (path && (await hasWebGpu(path))) {
      process.env.CHROMIUM_PATH = path
      console.log(`browser tests: ${path}`)
      return
    }
  }
  process.env.CHROMIUM_PATH = ''
  console.warn(missingChromium)
}

const installed = (): string[] => places.filter((path) => existsSync(path))

/** Unpacks the Chromium of the dev dependency, into the folder for temporary files; only on Linux x64. */
async function bundled(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const { default: packed } = await import('@sparticuz/chromium')
  return packed.executablePath()
}

/** Whether this Chromium starts and offers an adapter. */
async function hasWebGpu(executablePath: string): Promise<boolean> {
  const server = await serve({ '/': { type: 'text/html', text: '<!doctype html>' } })
  let browser: Browser | undefined
  try {
    browser = await openChromium(executablePath)
    const page = await browser.newPage()
    // WebGPU is for secure contexts only, as a page from 127.0.0.1 is.
    await page.goto(server.url)
    return await page.evaluate(async () => Boolean(await navigator.gpu.requestAdapter()))
  } catch (error) {
    console.warn(
      `${executablePath}: ${error instanceof Error ? error.message.split('\n')[0]! : String(error)}`,
    )
    return false
  } finally {
    await browser?.close()
    await server.close()
  }
}

/** Opens a headless Chromium whose WebGPU runs on its own SwiftShader, and which asks nothing of any network. */
export function openChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--enable-features=Vulkan',
      '--use-webgpu-adapter=swiftshader',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-quic',
      '--disable-sync',
    ],
  })
}
