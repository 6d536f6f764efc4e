import { basename } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { readVolume } from '../../src/io/files.js'
import { findChromium } from './chromium.js'
import { makeLabels, makeNifti } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { makeWeights } from './page-weights.js'
import { visiting } from './visiting.js'

const executable = findChromium()
const scan = (name: string, factor = 7919) => ({
  name,
  buffer: makeNifti((i) => 1 + ((i * factor) % 101) + (i % 20)),
})
const prior = { name: 'other.nii', buffer: makeLabels() }

describe.skipIf(!executable)('the page, to a visitor who opens the next scan', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  const notes = () => page.locator('#notes li').allTextContents()
  const segmented = async (name: string): Promise<Float32Array> => {
    await page.locator(`#canvas[aria-label="Scan ${name}, with its segmentation"]`).waitFor()
    const file = await visit.download('Save segmentation')
    expect(basename(file)).toBe(`${name}_dseg.nii.gz`)
    return (await readVolume(file)).data
  }
  const training = 'Segmented with the weights trained on a of 16x18x20 voxels.'
  const saved = 'Their run is under "Saved runs", as a of 16x18x20 voxels.'

  it('segments it with the weights that were trained', async () => {
    await visit.drop([scan('a.nii'), prior])
    await visit.data('a of 16x18x20 voxels, 14 classes.')
    await page.getByText('Settings', { exact: true }).click()
    await page.selectOption('[name=recipe]', 'paper')
    await page.selectOption('[name=network]', 'small')
    await page.fill('[name=pretrainingEpochs]', '6')
    await page.fill('[name=trainingEpochs]', '1')
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.getByText('Done: the run is complete').waitFor({ timeout: 600_000 })
    const first = await segmented('a')
    expect(new Set(first).size).toBeGreaterThan(1)

    await visit.drop([scan('b.nii', 104729)])
    await visit.data('b of')
    await segmented('b')
    expect(await notes()).toContain(`${training} ${saved}`)
    expect(await page.locator('#resume').isVisible()).toBe(false)
    // The same weights give the same bits.
    await visit.drop([scan('a.nii')])
    await visit.data('a of')
    expect(await segmented('a')).toEqual(first)
    expect(await notes()).toContain(`${training} ${saved}`)
  })

  it('says why the weights do not fit and where they are, and keeps them for scans that they fit', async () => {
    await page.getByText('Choose data in detail').click()
    await page.fill('[name=size]', '16,16,16')
    await page.getByRole('button', { name: 'Make phantoms' }).click()
    await visit.data('3 phantoms of')
    expect(await notes()).toEqual([
      `Not segmented with the weights trained on a of 16x18x20 voxels: its encoder has 14 classes, but the prior has 8. ${saved}`,
    ])
    for (const what of ['segmentation', 'weights'])
      expect(await page.getByRole('button', { name: `Save ${what}` }).isEnabled()).toBe(false)
    expect(await page.locator('[name=layer][value=segmentation]').isEnabled()).toBe(false)
    await visit.drop([scan('b.nii', 104729)])
    await segmented('b')
    expect((await notes())[0]).toBe(`${training} ${saved}`)
  })

  it('takes other weights that come with the scan instead', async () => {
    await visit.drop([scan('c.nii', 31), { name: 'some.safetensors', buffer: makeWeights() }])
    await page.getByText('some.safetensors: weights of an encoder').waitFor()
    const given = await segmented('c')
    expect((await notes()).join()).not.toContain('trained on')
    await visit.drop([scan('b.nii', 104729)])
    await segmented('b')
    expect((await notes())[0]).toBe('Segmented with some.safetensors.')
    await visit.drop([scan('c.nii', 31)])
    expect(await segmented('c')).toEqual(given)
  })

  it('leaves the weights of the sample to the sample', async () => {
    await page.getByRole('button', { name: 'Open the sample' }).click()
    await page.locator('#canvas[aria-label="Scan sample, with its segmentation"]').waitFor()
    await visit.drop([scan('b.nii', 104729)])
    await segmented('b')
    expect((await notes())[0]).toBe('Segmented with some.safetensors.')
  })

  it('segments it with the weights and the prior of a run that was resumed', async () => {
    await visit.reload()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText('Done: the run is complete').waitFor()
    const first = await segmented('a')
    await visit.drop([scan('b.nii', 104729)])
    await segmented('b')
    expect(await notes()).toEqual([`${training} ${saved}`])
    await visit.drop([scan('a.nii')])
    await visit.data('a of 16x18x20 voxels, 14 classes.')
    expect(await segmented('a')).toEqual(first)
  })
})
