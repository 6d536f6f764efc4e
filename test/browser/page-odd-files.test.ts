import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { findChromium } from './chromium.js'
import { makeNifti } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { visiting } from './visiting.js'

const executable = findChromium()
const scan = makeNifti((i) => 1 + ((i * 7919) % 101) + (i % 20))

describe.skipIf(!executable)('the page, to a visitor with odd files', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  it('fits a phone though names are long', async () => {
    const name = `sub-01_${'some_long_entity_'.repeat(10)}T1w`
    await visit.drop([{ name: `${name}.nii`, buffer: scan }])
    await visit.data(name)
    const { width, height } = page.viewportSize()!
    for (const narrow of [390, width]) {
      await page.setViewportSize({ width: narrow, height })
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(excess).toBeLessThanOrEqual(0)
    }
  })
})
