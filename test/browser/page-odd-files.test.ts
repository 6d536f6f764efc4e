import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { findChromium } from './chromium.js'
import { makeLabels, makeNifti } from './page-files.js'
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

  it('takes no image of one value for a label map', async () => {
    await visit.drop([{ name: 'constant.nii', buffer: makeNifti(() => 3) }])
    await visit.refusal('constant.nii: every voxel is 3; this is not a scan')
  })

  it('says that phantoms are too large for the memory', async () => {
    await page.getByText('Choose data in detail').click()
    await page.fill('[name=size]', '1000,1000,1000')
    await page.getByRole('button', { name: 'Make phantoms' }).click()
    await visit.refusal('there is not enough memory for data of this size; choose fewer or smaller images')
  })

  it('says what to do with a folder', async () => {
    const folder = join(visit.folder, 'subjects')
    mkdirSync(folder)
    const devtools = await page.context().newCDPSession(page)
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data })
    await visit.refusal(/^subjects: the browser cannot read it; .* if it is a folder, open the files in it$/)
  })

  it('names the file that has changed on the disk since it was chosen', async () => {
    const [first, prior, next] = ['first.nii', 'prior.nii', 'next.nii'].map((name) =>
      join(visit.folder, name),
    )
    for (const path of [first!, next!]) writeFileSync(path, scan)
    writeFileSync(prior!, makeLabels())
    await page.setInputFiles('#any-files', [first!, prior!])
    await visit.data('first of 16x18x20 voxels, 14 classes.')
    writeFileSync(prior!, Buffer.concat([makeLabels(), Buffer.alloc(1)]))
    await page.setInputFiles('#any-files', next!)
    await visit.refusal(/^prior\.nii: the browser cannot read it; open it again if it has changed or moved/)
    await page.setInputFiles('#any-files', [next!, prior!])
    await visit.data('next of 16x18x20 voxels, 14 classes.')
    expect(await page.locator('#error').isVisible()).toBe(false)
  })
})
