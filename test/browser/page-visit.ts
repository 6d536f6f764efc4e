import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build, preview, type PreviewServer } from 'vite'
import { expect } from 'vitest'
import { openChromium } from './chromium.js'

const root = join(import.meta.dirname, '../../examples/web')

/** A file as Playwright takes it. */
interface TestFile {
  readonly name: string
  readonly buffer: Buffer
}

/** A visit to the page: built, served and open in a browser. */
export class PageVisit {
  private constructor(
    readonly browser: Browser,
    readonly page: Page,
    readonly address: string,
    /** For downloads. */
    readonly folder: string,
    private readonly server: PreviewServer,
    private readonly failures: readonly string[],
  ) {}

  static async begin(executable: string): Promise<PageVisit> {
    const folder = mkdtempSync(join(tmpdir(), 'sae-page-'))
    const outDir = join(folder, 'site')
    await build({ root, build: { outDir }, logLevel: 'error' })
    const preview_ = { host: '127.0.0.1', port: 0 }
    const server = await preview({ root, build: { outDir }, preview: preview_, logLevel: 'error' })
    const address = server.resolvedUrls!.local[0]!
    const browser = await openChromium(executable)
    const context = await browser.newContext({
      viewport: { width: 1360, height: 900 },
      colorScheme: 'light',
    })
    const failures: string[] = []
    context.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address))
        failures.push(`asked a foreign server: ${request.url()}`)
    })
    const page = await context.newPage()
    // A software driver compiles kernels for minutes if the machine is busy.
    page.setDefaultTimeout(300_000)
    page.on('pageerror', ({ message }) => failures.push(message))
    await page.goto(address)
    return new PageVisit(browser, page, address, folder, server, failures)
  }

  /** Waits for the graphics device. */
  async ready(): Promise<void> {
    await this.page.getByText(/Running on/).waitFor()
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.ready()
  }

  /** Waits until the page says this of its data. */
  async data(text: string): Promise<void> {
    await this.page.locator('#data-text', { hasText: text }).waitFor()
  }

  /** Waits until the page refuses something in these words. The data are still there, and nothing is under way. */
  async refusal(text: string | RegExp): Promise<void> {
    await this.page.locator('#error', { hasText: text }).waitFor()
    expect(await this.page.locator('#segmenting').isVisible()).toBe(false)
    expect(await this.page.locator('#open-more').isEnabled()).toBe(true)
  }

  /** No script failed, and nothing left this machine. */
  check(): void {
    expect(this.failures).toEqual([])
  }

  async end(): Promise<void> {
    await this.browser.close()
    await this.server.close()
    rmSync(this.folder, { recursive: true })
  }

  /** Drags files over the page, and drops them unless they only hover. */
  async drop(files: readonly TestFile[], hover = false): Promise<void> {
    const contents = files.map(({ name, buffer }) => ({ name, base64: buffer.toString('base64') }))
    await this.page.evaluate(
      ([list, onlyHover]) => {
        const dataTransfer = new DataTransfer()
        for (const { name, base64 } of list) {
          const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
          dataTransfer.items.add(new File([bytes], name))
        }
        const send = (type: string): boolean =>
          document.body.dispatchEvent(new DragEvent(type, { bubbles: true, dataTransfer }))
        send('dragenter')
        if (!onlyHover) send('drop')
      },
      [contents, hover] as const,
    )
  }

  /** Saves what a button offers. @returns its path */
  async download(button: string): Promise<string> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.getByRole('button', { name: button }).click(),
    ])
    const path = join(this.folder, download.suggestedFilename())
    await download.saveAs(path)
    return path
  }
}
