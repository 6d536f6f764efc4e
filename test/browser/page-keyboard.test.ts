import { basename } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { findChromium } from './chromium.js'
import { makeLabels, makeNifti } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { makeWeights } from './page-weights.js'
import { visiting } from './visiting.js'

const executable = findChromium()
const file = (name: string, buffer: Buffer) => ({ name, mimeType: '', buffer })
const scan = file(
  'scan.nii',
  makeNifti((i) => 1 + ((i * 7919) % 101) + (i % 20)),
)
const prior = file('other.nii', makeLabels())
const weights = file('some.safetensors', makeWeights())

describe.skipIf(!executable)('the page, to a visitor who uses the keyboard, or reloads', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  /** Presses Tab until an element has the focus. @returns the ids of all that had it on the way */
  const tabTo = async (id: string): Promise<string[]> => {
    const passed: string[] = []
    while (passed.at(-1) !== id && passed.length < 60) {
      await page.keyboard.press('Tab')
      passed.push(await page.evaluate(() => document.activeElement?.id ?? ''))
    }
    expect(passed).toContain(id)
    return passed
  }
  const segmented = () => page.locator('#canvas[aria-label="Scan scan, with its segmentation"]').waitFor()

  it('needs no mouse from opening a scan to saving its segmentation', async () => {
    // Awaited from here on: the browser needs a moment to hand its dialogue over to a test.
    const opened = page.waitForEvent('filechooser')
    await tabTo('open')
    await page.keyboard.press('Enter')
    await (await opened).setFiles([scan, prior, weights])
    await segmented()
    // On from where the button was, not from the top of the page.
    expect(await tabTo('save-segmentation')).not.toContain('try')
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
    expect(basename(download.suggestedFilename())).toBe('scan_dseg.nii.gz')
  })

  it('begins anew if it is reloaded while it segments', async () => {
    await visit.reload()
    await visit.drop([scan, prior, weights])
    await page.getByText(/Compiling the kernels that segment|Segmenting scan/).waitFor()
    await visit.reload()
    expect(await page.locator('#segmenting').isVisible()).toBe(false)
    expect(await page.locator('#error').isVisible()).toBe(false)
    await visit.drop([scan, prior, weights])
    await segmented()
  })

  it('goes on from the last saved epoch if it is reloaded while it trains', async () => {
    await page.selectOption('[name=recipe]', 'paper')
    await page.getByText('Settings', { exact: true }).click()
    await page.selectOption('[name=network]', 'small')
    await page.fill('[name=pretrainingEpochs]', '1')
    await page.fill('[name=trainingEpochs]', '900')
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.getByText(/^Training, epoch ([3-9]|\d\d)/).waitFor()
    await visit.reload()
    await page.getByText(/^Resume the run of scan of 16x18x20 voxels: training, epoch [1-9]/).waitFor()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText(/^Training, epoch ([3-9]|\d\d)/).waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    expect(await page.locator('#error').isVisible()).toBe(false)
  })
})
