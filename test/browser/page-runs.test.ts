import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from './chromium.js'
import { niftiOf, straightAffine } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { visiting } from './visiting.js'

const executable = findChromium()

describe.skipIf(!executable)('the page, to a visitor who presses buttons as it comes', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  beforeEach(async () => {
    await visit.reload()
    await page.getByText('Choose data in detail').click()
    await page.fill('[name=size]', '16,16,16')
    await page.fill('[name=subjects]', '1')
    await page.getByRole('button', { name: 'Make phantoms' }).click()
    await page.getByText('Ready to train').waitFor()
  })

  const set = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    await page.getByText('Settings', { exact: true }).click()
    for (const [name, value] of Object.entries(settings)) await page.fill(`[name=${name}]`, value)
  }
  const start = async (recipe: string, settings: Readonly<Record<string, string>>): Promise<void> => {
    await page.selectOption('[name=recipe]', recipe)
    await set(settings)
    await page.click('#start')
  }
  const stop = async (): Promise<void> => {
    await page.click('#stop')
    await page.getByText('Stopped', { exact: true }).waitFor()
  }
  const forever = { pretrainingEpochs: '1', trainingEpochs: '900' }

  it('keeps a run that goes on after it was deleted', async () => {
    await start('paper', forever)
    await page.getByText(/^Training, epoch [2-9]/).waitFor()
    await stop()
    await page.getByRole('button', { name: /^Delete/ }).click()
    await page.locator('#runs').waitFor({ state: 'hidden' })
    await page.click('#resume')
    await page.locator('#run-list button').first().waitFor()
    await stop()
    await page.reload()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText(/^Training, epoch/).waitFor()
    await stop()
  })

  it('goes on within another memory limit', async () => {
    await start('paper', forever)
    await page.getByText(/^Training, epoch [3-9]/).waitFor()
    await stop()
    const limit = async (megabytes: string): Promise<void> => {
      await page.fill('[name=memoryLimit]', megabytes)
      await page.click('#resume')
    }
    await limit('0.001')
    await visit.refusal('of device memory is needed, but the limit is')
    await limit('')
    // Neither the weights nor the epochs are lost.
    await page.getByText(/^Training, epoch ([4-9]|\d\d)/).waitFor()
    expect(await page.locator('#loss-chart svg').getAttribute('aria-label')).toMatch(/in epoch 1, /)
    await stop()
  })

  it('keeps all of a run that was resumed and stopped before its next step', async () => {
    await start('default', forever)
    await page.getByText(/^Training, epoch ([2-9]|\d\d)/).waitFor()
    await stop()
    await page.reload()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.locator('#progress-text', { hasText: 'Fitting a Gaussian mixture to each scan' }).waitFor()
    await page.click('#pause')
    await page.locator('#progress-text', { hasText: '1 of 1' }).waitFor()
    await page.waitForTimeout(6000)
    await stop()
    await page.reload()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText(/^Training, epoch/).waitFor()
    await stop()
  })

  it('shows the setting that keeps a run from starting, and no earlier error', async () => {
    await visit.drop([{ name: 'notes.txt', buffer: Buffer.from('hello') }])
    await visit.refusal('notes.txt')
    await set({ trainingRate: '' })
    await page.getByText('Settings', { exact: true }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.locator('[name=trainingRate]:focus').waitFor()
    expect(await page.locator('#error').isVisible()).toBe(false)
  })

  it('goes on with its run if Enter is pressed in a setting', async () => {
    await start('paper', forever)
    await page.getByText(/^Training, epoch/).waitFor()
    await page.focus('[name=seed]')
    await page.keyboard.press('Enter')
    await page.getByText(/^Training, epoch [4-9]/).waitFor()
    expect(await page.locator('#error').isVisible()).toBe(false)
    await stop()
  })

  it('resumes a saved run once, however often it is asked to', async () => {
    const resume = page.getByRole('button', { name: /^Resume 1 phantom/ }).first()
    await resume.dblclick()
    await page.getByText(/^Training, epoch/).waitFor()
    expect(await resume.isDisabled()).toBe(true)
    await stop()
    expect(await page.locator('#resume').isEnabled()).toBe(true)
    const epoch = await page.textContent('#progress-text')
    await page.waitForTimeout(3000)
    expect(await page.textContent('#progress-text')).toBe(epoch)
  })

  it('does not start a run on data that are about to be replaced', async () => {
    const large = niftiOf([128, 128, 128], straightAffine(1), (i) => (i % 97) + 0.5)
    // From within the page: reading may end before a message from here arrives.
    await page.evaluate(() => {
      const status = document.getElementById('status')!
      const observer = new MutationObserver(() => {
        if (!status.textContent.includes('Reading')) return
        observer.disconnect()
        document.getElementById('start')!.click()
      })
      observer.observe(status, { childList: true, characterData: true, subtree: true })
    })
    await visit.drop([{ name: 'large.nii', buffer: large }])
    await page.locator('#error', { hasText: 'the page is still reading; try again in a moment' }).waitFor()
    await page.getByText('large of 128x128x128 voxels.').waitFor()
    await page.getByText('To segment or to train, add a prior.').waitFor()
    expect(await page.locator('#resume').isVisible()).toBe(false)
  })

  it('does not begin an old run because the device is lost', async () => {
    await page.locator('#run-list button').first().waitFor()
    const devtools = await visit.browser.newBrowserCDPSession()
    await devtools.send('Browser.crashGpuProcess')
    await page.getByRole('button', { name: 'Reload the page' }).click()
    await page.getByText(/Running on/).waitFor()
    await page.getByText(/^Resume the run of/).waitFor()
    expect(await page.locator('#stop').isVisible()).toBe(false)
  })

  it('pauses though no epoch has begun, and stops', async () => {
    await start('default', { pretrainingEpochs: '30' })
    await page.locator('#progress-text', { hasText: 'Fitting a Gaussian mixture to each scan' }).waitFor()
    await page.click('#pause')
    await page.locator('#progress-text', { hasText: '1 of 1' }).waitFor()
    await page.waitForTimeout(6000)
    expect(await page.textContent('#status')).toBe('Paused')
    expect(await page.textContent('#progress-text')).not.toContain('epoch')
    await page.click('#pause')
    await page.getByText(/^Pretraining, epoch/).waitFor()
    await stop()
  })
})
