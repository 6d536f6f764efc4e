import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { readTensors, readVolume } from '../../src/io/files.js'
import { fortranStrides, toCOrder } from '../../src/io/axes.js'
import { findChromium } from './chromium.js'
import { makeNifti, obliqueAffine } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { visiting } from './visiting.js'

const executable = findChromium()

/** Small, and so that an unhurried processor takes the training in a minute or two. */
const phantom = { size: '24,32,32', subjects: '3', pretraining: '30', training: '60' }

describe.skipIf(!executable)('the page, to a visitor who trains', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  it("trains by the paper's recipe and saves a segmentation on the scan's own affine", async () => {
    await page.getByText('Choose data in detail').click()
    await page.setInputFiles('[name=scans]', {
      name: 'scan.nii',
      mimeType: '',
      buffer: makeNifti((i) => i + 0.5),
    })
    await page.setInputFiles('[name=prior]', {
      name: 'labels.nii',
      mimeType: '',
      buffer: makeNifti((i) => (i % 16 < 8 ? 1 : i % 5 === 0 ? 2 : 0)),
    })
    await page.selectOption('[name=meaning]', 'numbered')
    await page.getByRole('button', { name: 'Read these files' }).click()
    await page.getByText('scan of 16x18x20 voxels, 3 classes.').waitFor()
    const notes = await page.locator('#notes li').allTextContents()
    expect(notes).toContain('labels.nii: a label map; made a prior of 3 classes from it')
    await page.selectOption('[name=recipe]', 'paper')
    await page.getByText('Settings', { exact: true }).click()
    expect(await page.inputValue('[name=trainingEpochs]')).toBe('500')
    await page.selectOption('[name=network]', 'small')
    await page.fill('[name=pretrainingEpochs]', '1')
    await page.fill('[name=trainingEpochs]', '1')
    await page.fill('[name=memoryLimit]', '300')
    // SwiftShader has no half floats.
    expect(await page.isDisabled('[name=halfPrecision]')).toBe(true)
    await page.getByText('Settings', { exact: true }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.getByText('Done: the run is complete').waitFor({ timeout: 600_000 })
    expect(await page.textContent('#progress-text')).toBe('Training, epoch 1 of 1')
    const file = await visit.download('Save segmentation')
    expect(basename(file)).toBe('scan_dseg.nii.gz')
    const { data, grid } = await readVolume(file)
    expect(grid.affine).toEqual(obliqueAffine)
    expect(grid.known).toBe(true)
    expect(Math.max(...data)).toBeLessThan(3)
  })

  it('trains on phantoms until the Dice is above that of the prior', async () => {
    await page.selectOption('[name=recipe]', 'default')
    await page.getByText('Choose data in detail').click()
    await page.fill('[name=size]', phantom.size)
    await page.fill('[name=subjects]', phantom.subjects)
    await page.getByRole('button', { name: 'Make phantoms' }).click()
    await page.getByText('Ready to train').waitFor()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('start')
    await page.getByText('Settings', { exact: true }).click()
    await page.fill('[name=memoryLimit]', '')
    await page.fill('[name=pretrainingEpochs]', phantom.pretraining)
    await page.fill('[name=trainingEpochs]', phantom.training)
    await page.getByText('Settings', { exact: true }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.getByText(/^Fitting a Gaussian mixture to each scan: [0-3] of 3$/).waitFor()
    await page.getByText(/^Pretraining, epoch/).waitFor()
    await page.locator('[name=layer][value=segmentation]:checked').waitFor()

    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused').waitFor()
    await page.waitForTimeout(3000)
    const paused = await page.textContent('#progress-text')
    await page.waitForTimeout(3000)
    expect(await page.textContent('#progress-text')).toBe(paused)
    await page.getByRole('button', { name: 'Continue' }).click()

    const prior = numberIn(await page.textContent('#data-text'), /prior alone: ([\d.]+\d)/)
    await page.getByText(/^Fitting the decoder: step/).waitFor({ timeout: 600_000 })
    await page.getByText(/^Training, epoch/).waitFor({ timeout: 600_000 })
    await page.waitForFunction(
      (least) =>
        Number(/mean Dice ([\d.]+\d)/.exec(document.getElementById('progress-text')!.textContent)?.[1]) >
        least,
      prior,
      { timeout: 600_000, polling: 200 },
    )
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    expect(await page.textContent('#progress-text')).not.toContain('left')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('resume')
    expect(await page.locator('#dice-chart svg').getAttribute('aria-label')).toMatch(/^Mean Dice by epoch: 0/)
    expect(await page.locator('#legend tbody tr').count()).toBe(8)
  })

  it('saves the segmentation that it shows', async () => {
    // The layer that is drawn after the last step.
    await page.waitForTimeout(2000)
    const file = await visit.download('Save segmentation')
    expect(basename(file)).toBe('sub-01_dseg.nii.gz')
    const saved = await readVolume(file)
    const shown = await page.evaluate(() => {
      const { viewer } = window as unknown as { viewer: { niivue: { volumes: ShownVolume[] } } }
      const { img, hdr } = viewer.niivue.volumes[1]!
      return { voxels: [...img], affine: hdr.affine }
    })
    const { shape, affine } = saved.grid
    const [D, H, W] = shape
    const [, ...strides] = fortranStrides([1, D, H, W])
    const voxels = toCOrder(
      Float32Array.from(shown.voxels),
      [1, D, H, W],
      [D * H * W, ...strides],
      new Float32Array(D * H * W),
    )
    expect(new Set(saved.data).size).toBeGreaterThan(3)
    expect(saved.data).toEqual(voxels)
    expect(affine).toEqual(shown.affine)
  })

  it('saves weights that the command line reads', async () => {
    const file = await visit.download('Save weights')
    expect(basename(file)).toBe('trained.safetensors')
    const { tensors, metadata } = await readTensors(file)
    // Eight classes, of which the background has two parts.
    expect(tensors.get('encoder.conv.weight')!.shape[0]).toBe(9)
    expect(JSON.parse(metadata.training!)).toMatchObject({
      settings: { epochs: 60, beta: 0.25, divergence: 'mixture' },
    })
  })

  it('offers the run again to a returning visitor, and resumes it', async () => {
    const before = await epochOf(page)
    await page.getByLabel('Name of the run').first().fill('three heads')
    await page.getByLabel('Name of the run').first().blur()
    await page.getByRole('button', { name: 'Resume three heads' }).waitFor()
    await page.reload()
    await page.getByText(/Resume the run of three heads: training, epoch/).waitFor()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText(/^Training, epoch/).waitFor({ timeout: 300_000 })
    await page.waitForFunction(
      (epoch) =>
        Number(/epoch (\d+)/.exec(document.getElementById('progress-text')!.textContent)?.[1]) > epoch,
      before,
      { timeout: 300_000 },
    )
    // The curve goes on where it was, it does not begin anew.
    expect(await page.locator('#dice-chart svg').getAttribute('aria-label')).toMatch(/in epoch 1, /)
    const prior = numberIn(await page.textContent('#data-text'), /prior alone: ([\d.]+\d)/)
    expect(numberIn(await page.textContent('#progress-text'), /Dice ([\d.]+\d)/)).toBeGreaterThan(prior - 0.1)
  })

  it('resumes from what was kept if the device is lost', async () => {
    const devtools = await visit.browser.newBrowserCDPSession()
    await devtools.send('Browser.crashGpuProcess')
    await page.getByText(/The graphics device was lost/).waitFor({ timeout: 60_000 })
    const before = await epochOf(page)
    await page.getByRole('button', { name: 'Resume from the last saved state' }).click()
    await page.waitForFunction(
      (epoch) =>
        Number(/epoch (\d+)/.exec(document.getElementById('progress-text')!.textContent)?.[1]) > epoch,
      before,
      { timeout: 300_000 },
    )
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    expect(await page.locator('#lost').isVisible()).toBe(false)
  })

  it('segments with weights that are loaded', async () => {
    const before = readFileSync(join(visit.folder, 'sub-01_dseg.nii.gz'))
    await page.setInputFiles('#weights', join(visit.folder, 'trained.safetensors'))
    await page.getByText(/^trained\.safetensors: trained for \d+ epochs$/).waitFor()
    await page.waitForTimeout(2000)
    const file = await visit.download('Save segmentation')
    // The weights are those of the file saved before, and so is the segmentation.
    expect(readFileSync(file)).toEqual(before)
  })
})

interface ShownVolume {
  readonly img: Iterable<number>
  readonly hdr: { readonly affine: number[][] }
}

function numberIn(text: string | null, pattern: RegExp): number {
  const found = pattern.exec(text ?? '')
  if (!found) throw new Error(`"${text ?? ''}" has no ${pattern.source}`)
  return Number(found[1])
}

async function epochOf(page: Page): Promise<number> {
  return numberIn(await page.textContent('#progress-text'), /epoch (\d+)/)
}
