import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import type { AxeResults, RunOptions } from 'axe-core'

const script = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe-core finds wrong with a page as it is now: a line for each rule, with the elements that break it. */
export async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: script })
  const { violations: found } = await page.evaluate(() => {
    const { axe } = window as unknown as { axe: { run: (options?: RunOptions) => Promise<AxeResults> } }
    return axe.run()
  })
  return found.map(({ id, help, nodes }) => {
    const places = nodes.map(({ target }) => String(target)).join(', ')
    return `${id}: ${help} (${places})`
  })
}
