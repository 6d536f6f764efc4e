import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { findChromium } from './chromium.js'
import { makeLabels, makeNifti, niftiOf, straightAffine } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { makeWeights } from './page-weights.js'
import { visiting } from './visiting.js'

const executable = findChromium()
const scan = (name: string, factor = 7919) => ({
  name,
  buffer: makeNifti((i) => 1 + ((i * factor) % 101) + (i % 20)),
})

describe.skipIf(!executable)('the page, to a visitor in a hurry', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  const shown = () =>
    page.evaluate(() => {
      const { viewer } = window as unknown as { viewer: { niivue: { volumes: { name: string }[] } } }
      return viewer.niivue.volumes.map(({ name }) => name)
    })

  it('shows the scan that was chosen last, though one before it takes longer to load', async () => {
    const large = niftiOf([128, 128, 128], straightAffine(1), (i) => (i % 97) + 0.5)
    await visit.drop([{ name: 'large.nii', buffer: large }, scan('small.nii')])
    await visit.data('2 scans')
    await page.selectOption('#scan', { label: 'small' })
    await page.locator('#canvas[aria-label="Scan small"]').waitFor()
    await page.evaluate(() => {
      const field = document.getElementById('scan') as HTMLSelectElement
      for (const index of [0, 1]) {
        field.selectedIndex = index
        field.dispatchEvent(new Event('change'))
      }
    })
    await page.waitForTimeout(3000)
    expect(await page.getAttribute('#canvas', 'aria-label')).toBe('Scan small')
    expect(await shown()).toEqual(['small.nii'])
  })

  it('does not show the segmentation of one scan over another', async () => {
    await visit.drop([scan('a.nii'), scan('b.nii', 104729), { name: 'other.nii', buffer: makeLabels() }])
    await visit.data('2 scans of 16x18x20 voxels, 14 classes.')
    await visit.drop([{ name: 'some.safetensors', buffer: makeWeights() }])
    await page.getByText(/Compiling the kernels that segment|Segmenting a/).waitFor()
    await page.selectOption('#scan', { label: 'b' })
    const seen = new Set<string>()
    await expect
      .poll(
        async () => {
          const names = (await shown()).join(' under ')
          seen.add(names)
          return names
        },
        { timeout: 60_000, interval: 20 },
      )
      .toBe('b.nii under b segmentation.nii')
    expect([...seen]).not.toContain('b.nii under a segmentation.nii')
  })

  it('leaves no scores of another scan in the table of classes', async () => {
    const reference = { name: 'a_dseg.nii', buffer: makeLabels() }
    await visit.drop([scan('a.nii'), reference, { name: 'other.nii', buffer: makeLabels() }])
    await visit.data('Mean Dice of the prior alone')
    await visit.drop([scan('b.nii'), scan('a.nii'), reference, { ...reference, name: 'b_dseg.nii' }])
    await visit.data('2 scans of')
    await visit.drop([{ name: 'some.safetensors', buffer: makeWeights() }])
    const scores = () => page.locator('#legend tbody td:last-child').allTextContents()
    await expect.poll(async () => (await scores()).join(''), { timeout: 60_000 }).toMatch(/\d/)
    await page.locator('[name=layer][value=none]').check()
    await page.selectOption('#scan', { label: 'b' })
    await page.locator('#canvas[aria-label="Scan b"]').waitFor()
    expect((await scores()).join('')).not.toMatch(/\d/)
  })

  it('segments within another memory limit as soon as it is given', async () => {
    await visit.reload()
    await page.getByText('Settings', { exact: true }).click()
    const limit = async (megabytes: string): Promise<void> => {
      await page.fill('[name=memoryLimit]', megabytes)
      await page.locator('[name=memoryLimit]').blur()
    }
    await limit('0.001')
    await visit.drop([scan('a.nii'), { name: 'other.nii', buffer: makeLabels() }])
    await visit.data('a of')
    await visit.drop([{ name: 'some.safetensors', buffer: makeWeights() }])
    await visit.refusal('of device memory is needed, but the limit is')
    await limit('')
    await page.locator('#canvas[aria-label="Scan a, with its segmentation"]').waitFor()
    expect(await page.locator('#error').isVisible()).toBe(false)
    // A new limit holds for what is segmented next, not for what is there.
    await limit('0.001')
    await visit.download('Save segmentation')
    await limit('')
    await page.getByText('Settings', { exact: true }).click()
  })

  it('forgets files that it refused', async () => {
    await visit.reload()
    await visit.drop([scan('first.nii')])
    await visit.data('first of')
    const far = niftiOf([16, 18, 20], straightAffine(1.5, true), (i) => (i % 20 < 8 ? 2 : 0))
    await visit.drop([{ name: 'far.nii', buffer: far }])
    await visit.refusal('first.nii and far.nii lie apart')
    await visit.drop([{ name: 'constant.nii', buffer: makeNifti(() => 3.5) }])
    await visit.refusal(/^constant\.nii: /)
    await visit.drop([{ name: 'classes.json', buffer: Buffer.from('{') }])
    await visit.refusal(/^classes\.json: /)
    await visit.drop([{ name: 'other.nii', buffer: makeLabels() }])
    await visit.data('first of 16x18x20 voxels, 14 classes.')
    await page.locator('#status', { hasText: 'Ready to train' }).waitFor()
    expect(await page.locator('#error').isVisible()).toBe(false)
    // They leave the data ready, too.
    await visit.drop([{ name: 'constant.nii', buffer: makeNifti(() => 3.5) }])
    await visit.refusal(/^constant\.nii: /)
    expect(await page.textContent('#status')).toBe('Ready to train')
  })
})
