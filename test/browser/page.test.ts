import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { build, preview, type PreviewServer } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readTensors, readVolume } from '../../src/io/files.js'
import { fortranStrides, toCOrder } from '../../src/io/axes.js'
import { makeNifti, obliqueAffine } from './page-files.js'
import { findChromium, openChromium } from './chromium.js'

const executable = findChromium()
const root = join(import.meta.dirname, '../../examples/web')
const pictures = join(import.meta.dirname, '../../docs/images')

/** Small, and so that an unhurried processor takes the training in a minute or two. */
const phantom = { size: '24,32,32', subjects: '3', pretraining: '30', training: '60' }

describe.skipIf(!executable)('the page', () => {
  let server: PreviewServer
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let address: string
  let folder: string
  const foreign: string[] = []
  const failures: string[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sae-page-'))
    const outDir = join(folder, 'site')
    await build({ root, build: { outDir }, logLevel: 'error' })
    server = await preview({
      root,
      build: { outDir },
      preview: { host: '127.0.0.1', port: 0 },
      logLevel: 'error',
    })
    address = server.resolvedUrls!.local[0]!
    browser = await openChromium(executable!)
    context = await browser.newContext({ viewport: { width: 1360, height: 900 }, colorScheme: 'light' })
    context.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address))
        foreign.push(request.url())
    })
    page = await context.newPage()
    page.on('pageerror', ({ message }) => failures.push(message))
    await page.goto(address)
  })

  afterAll(async () => {
    await browser.close()
    await server.close()
    rmSync(folder, { recursive: true })
  })

  afterEach(() => {
    expect(failures).toEqual([])
    expect(foreign).toEqual([])
  })

  it('names the device that it computes on', async () => {
    await page.getByText(/Running on .*swiftshader.* \(software/i).waitFor()
    expect(await page.locator('#help').isVisible()).toBe(false)
  })

  it('answers a bad file with one line', async () => {
    const scan = { name: 'scan.nii', mimeType: '', buffer: Buffer.from('no image at all') }
    await page.setInputFiles('[name=scans]', scan)
    await page.setInputFiles('[name=prior]', scan)
    await page.getByRole('button', { name: 'Read these files' }).click()
    await page.locator('#error').waitFor()
    expect(await page.textContent('#error')).toBe(
      'scan.nii: the content is not what the name says, but of an unknown kind; rename or convert it',
    )
    expect(await page.locator('#start').isEnabled()).toBe(false)
  })

  it('reads a scan, rescales it, and makes a prior from a label map', async () => {
    await page.setInputFiles('[name=scans]', { name: 'scan.nii', mimeType: '', buffer: makeNifti((i) => i) })
    await page.setInputFiles('[name=prior]', {
      name: 'labels.nii',
      mimeType: '',
      buffer: makeNifti((i) => (i % 16 < 8 ? 1 : i % 5 === 0 ? 2 : 0)),
    })
    await page.getByText('Reference segmentations and classes').click()
    await page.selectOption('[name=meaning]', 'numbered')
    await page.getByRole('button', { name: 'Read these files' }).click()
    await page.getByText('scan of 16x18x20 voxels, 3 classes.').waitFor()
    const notes = await page.locator('#notes li').allTextContents()
    expect(notes).toContain('labels.nii: a label map; made a prior of 3 classes from it')
    expect(
      notes.some((note) => /^scan\.nii: intensities from 29 to [\d.]+ scaled to 0\.\.1$/.test(note)),
    ).toBe(true)
    expect(await page.locator('#error').isVisible()).toBe(false)
    await page.locator('#location', { hasText: /^At [-.\d]+, [-.\d]+, [-.\d]+ mm; scan 0\.\d\d/ }).waitFor()
  })

  it("saves a segmentation on the scan's own affine", async () => {
    await page.getByText('Settings', { exact: true }).click()
    await page.fill('[name=pretrainingEpochs]', '1')
    await page.fill('[name=trainingEpochs]', '1')
    await page.getByText('Settings', { exact: true }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.getByText('Done: the run is complete').waitFor({ timeout: 240_000 })
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save segmentation' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('scan_dseg.nii.gz')
    const file = join(folder, 'scan_dseg.nii.gz')
    await download.saveAs(file)
    const { data, grid } = await readVolume(file)
    expect(grid.affine).toEqual(obliqueAffine)
    expect(grid.known).toBe(true)
    expect(Math.max(...data)).toBeLessThan(3)
  })

  it('trains on phantoms until the Dice is above that of the prior', async () => {
    await page.getByText('Choose data').click()
    await page.getByText('Size and number').click()
    await page.fill('[name=size]', phantom.size)
    await page.fill('[name=subjects]', phantom.subjects)
    await page.getByRole('button', { name: 'Make phantoms' }).click()
    await page.getByText('Ready to train').waitFor()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('start')
    await page.getByText('Settings', { exact: true }).click()
    await page.fill('[name=pretrainingEpochs]', phantom.pretraining)
    await page.fill('[name=trainingEpochs]', phantom.training)
    await page.getByText('Settings', { exact: true }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
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
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('resume')
    expect(await page.locator('#dice-chart svg').getAttribute('aria-label')).toMatch(/^Mean Dice by epoch: 0/)
    expect(await page.locator('#legend tbody tr').count()).toBe(8)
  })

  it('saves the segmentation that it shows', async () => {
    // The layer that is drawn after the last step.
    await page.waitForTimeout(2000)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save segmentation' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('sub-01_dseg.nii.gz')
    const file = join(folder, 'sub-01_dseg.nii.gz')
    await download.saveAs(file)
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
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save weights' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('trained.safetensors')
    const file = join(folder, 'trained.safetensors')
    await download.saveAs(file)
    const { tensors, metadata } = await readTensors(file)
    expect(tensors.get('encoder.conv.weight')!.shape[0]).toBe(8)
    expect(JSON.parse(metadata.training!)).toMatchObject({ settings: { epochs: 60, beta: 0.01 } })
    await takePictures(page)
  })

  it('offers the run again to a returning visitor, and resumes it', async () => {
    const before = await epochOf(page)
    await page.reload()
    await page.getByText(/Resume the run of 3 phantoms of 24x32x32 voxels: training, epoch/).waitFor()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText(/^Training, epoch/).waitFor({ timeout: 120_000 })
    await page.waitForFunction(
      (epoch) =>
        Number(/epoch (\d+)/.exec(document.getElementById('progress-text')!.textContent)?.[1]) > epoch,
      before,
      { timeout: 120_000 },
    )
    // The curve goes on where it was, it does not begin anew.
    expect(await page.locator('#dice-chart svg').getAttribute('aria-label')).toMatch(/in epoch 1, /)
    const prior = numberIn(await page.textContent('#data-text'), /prior alone: ([\d.]+\d)/)
    expect(numberIn(await page.textContent('#progress-text'), /Dice ([\d.]+\d)/)).toBeGreaterThan(prior - 0.1)
  })

  it('resumes from what was kept if the device is lost', async () => {
    const devtools = await browser.newBrowserCDPSession()
    await devtools.send('Browser.crashGpuProcess')
    await page.getByText(/The graphics device was lost/).waitFor({ timeout: 60_000 })
    const before = await epochOf(page)
    await page.getByRole('button', { name: 'Resume from the last saved state' }).click()
    await page.waitForFunction(
      (epoch) =>
        Number(/epoch (\d+)/.exec(document.getElementById('progress-text')!.textContent)?.[1]) > epoch,
      before,
      { timeout: 120_000 },
    )
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    expect(await page.locator('#lost').isVisible()).toBe(false)
  })

  it('segments with weights that are loaded', async () => {
    await page.setInputFiles('#weights', join(folder, 'trained.safetensors'))
    await page.getByText(/^trained\.safetensors: trained for \d+ epochs$/).waitFor()
    await page.waitForTimeout(2000)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save segmentation' }).click(),
    ])
    const file = join(folder, 'again_dseg.nii.gz')
    await download.saveAs(file)
    // The weights are those of the file saved before, and so is the segmentation.
    expect(readFileSync(file)).toEqual(readFileSync(join(folder, 'sub-01_dseg.nii.gz')))
  })

  it('says what to do if there is no WebGPU', async () => {
    const plain = await chromium.launch({
      executablePath: executable!,
      args: ['--no-sandbox', '--disable-gpu'],
    })
    const visitor = await plain.newPage()
    await visitor.goto(address)
    await visitor.getByText('This browser cannot compute on the graphics device').waitFor()
    expect(await visitor.getByText(/Chrome or Edge 113/).isVisible()).toBe(true)
    expect(await visitor.getByRole('button', { name: 'Make phantoms' }).isEnabled()).toBe(false)
    await plain.close()
  })

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(excess).toBeLessThanOrEqual(0)
  })

  async function takePictures(from: Page): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await from.emulateMedia({ colorScheme })
      await from.waitForTimeout(500)
      if (process.env.SAE_PICTURES) {
        await from.screenshot({ path: join(pictures, `page-${colorScheme}.png`), fullPage: true })
      }
    }
  }
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
