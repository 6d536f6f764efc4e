import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { violations } from './accessibility.js'
import { findChromium } from './chromium.js'
import { makeLabels, makeNifti, niftiOf, straightAffine } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { visiting } from './visiting.js'

const executable = findChromium()
const pictures = join(import.meta.dirname, '../../docs/images')
const scan = { name: 'scan.nii', buffer: makeNifti((i) => i + 0.5) }

describe.skipIf(!executable)('the page, to a visitor who looks at images', () => {
  let visit: PageVisit
  let page: Page

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  const location = (pattern: RegExp) => page.locator('#location', { hasText: pattern }).waitFor()

  it('names the device that it computes on', async () => {
    await page.getByText(/Running on .*swiftshader.* \(software/i).waitFor()
    expect(await page.locator('#help').isVisible()).toBe(false)
    expect(await page.locator('#start').isEnabled()).toBe(false)
  })

  it('shows that it takes what hovers over it', async () => {
    await visit.drop([scan], true)
    await page.locator('#drop').waitFor()
    await page.evaluate(() => document.dispatchEvent(new DragEvent('drop')))
    expect(await page.locator('#drop').isVisible()).toBe(false)
  })

  it('names a wrong file in one line', async () => {
    await visit.drop([{ name: 'notes.txt', buffer: Buffer.from('hello') }])
    await page.locator('#error').waitFor()
    expect(await page.textContent('#error')).toBe(
      'notes.txt is not an image (.nii, .nii.gz, .mgz, .npz), weights (.safetensors, .pth.tar) or a table of classes (.json, .tsv)',
    )
    await visit.drop([{ name: 'fake.nii', buffer: Buffer.from('no image at all') }])
    await page.getByText(/^fake\.nii: the content is not what the name says/).waitFor()
  })

  it('opens a scan without a prior, wherever it is dropped', async () => {
    await visit.drop([scan])
    await page.getByText('Took scan.nii as a scan.').waitFor()
    await page.getByText('scan of 16x18x20 voxels.').waitFor()
    await page.getByText('To segment or to train, add a prior.').waitFor()
    await location(/^At [-.\d]+, [-.\d]+, [-.\d]+ mm; scan \d+$/)
    expect(await page.locator('#error').isVisible()).toBe(false)
    expect(await page.locator('[name=layer][value=prior]').isEnabled()).toBe(false)
    expect(await page.locator('#start').isEnabled()).toBe(false)
  })

  it('moves by the keys of the canvas, in voxels, and says millimetres', async () => {
    await page.focus('#canvas')
    const positions = () => page.locator('.slices output[id^=slice]').allTextContents()
    const before = (await positions()).map(parseFloat)
    for (const key of ['ArrowRight', 'ArrowUp', 'ArrowUp', 'PageDown']) await page.keyboard.press(key)
    const after = (await positions()).map(parseFloat)
    const steps = await page
      .locator('.slices input[id^=slice]')
      .evaluateAll((sliders) => sliders.map((slider) => Number((slider as HTMLInputElement).value)))
    expect(after).not.toEqual(before)
    expect(steps.every(Number.isFinite)).toBe(true)
    expect(await page.locator('#slice-0').getAttribute('aria-valuetext')).toMatch(/^-?[\d.]+ mm$/)
    await page.keyboard.press('+')
    expect(await page.textContent('#zoom-value')).toBe('1.5x')
    await page.getByRole('button', { name: 'Reset view' }).click()
    expect(await page.textContent('#zoom-value')).toBe('1x')
  })

  it('takes a dropped label map for a prior, and the layer that it names is the one on show', async () => {
    await visit.drop([{ name: 'labels.nii', buffer: makeLabels() }])
    await page.getByText("Took labels.nii as another person's label map, to make a prior from.").waitFor()
    await page.getByText('scan of 16x18x20 voxels, 14 classes.').waitFor()
    await page.locator('[name=layer][value=prior]').check()
    await location(/; prior cerebral cortex [\d.]+$/)
    expect(await page.locator('#bar-colours').isVisible()).toBe(true)
    expect(await page.locator('#canvas').getAttribute('aria-label')).toBe(
      'Scan scan, with its prior of cerebral cortex',
    )
    await page.fill('#threshold', '0.4')
    expect(await page.textContent('#bar-low')).toBe('0.4')
    await page.locator('[name=layer][value=none]').check()
    await location(/; scan \d+$/)
    expect(await page.locator('#bar-colours').isVisible()).toBe(false)
  })

  it('refuses a label map as a scan, and a place elsewhere by its header', async () => {
    await page.getByText('Choose data in detail').click()
    const labels = { name: 'labels.nii', mimeType: '', buffer: makeLabels() }
    await page.setInputFiles('[name=scans]', labels)
    await page.getByRole('button', { name: 'Read these files' }).click()
    await page.getByText(/^labels\.nii looks like a label map, not like a scan/).waitFor()
    // Cut off after its header: it is refused before its voxels are read.
    const far = niftiOf([16, 18, 20], straightAffine(1.5, true), (i) => i).subarray(0, 1000)
    await page.setInputFiles('[name=scans]', { name: 'far.nii', mimeType: '', buffer: far })
    await page.getByRole('button', { name: 'Read these files' }).click()
    await page
      .getByText('far.nii and labels.nii lie apart: by their headers, they have no place in common')
      .waitFor()
  })

  it('resamples a scan of another grid, and shows it as it is', async () => {
    const other = niftiOf([24, 24, 24], straightAffine(1), (i) => 100 + (i % 97))
    await page.setInputFiles('[name=scans]', { name: 'other.nii', mimeType: '', buffer: other })
    await page.getByRole('button', { name: 'Read these files' }).click()
    const notes = page.locator('#notes li')
    await notes
      .filter({ hasText: 'other.nii (24x24x24 voxels of 1 mm): resampled onto the grid of' })
      .waitFor()
    await page.waitForFunction(() => {
      const { viewer } = window as unknown as { viewer: { niivue: { volumes: { dimsRAS: number[] }[] } } }
      return viewer.niivue.volumes[0]!.dimsRAS[1] === 24
    })
  })

  it('segments the sample in one click', async () => {
    await visit.reload()
    await page.getByRole('button', { name: 'Try it on a sample' }).click()
    await page.getByText('sample of 80x96x80 voxels, 14 classes.').waitFor()
    await page.getByText(/Compiling the kernels that segment|Segmenting sample/).waitFor()
    await page.locator('[name=layer][value=segmentation]:checked').waitFor()
    await page.locator('#segmenting').waitFor({ state: 'hidden' })
    await location(/; segmentation [a-z -]+$/)
    const cortex = page.locator('#legend tr', { hasText: 'cerebral cortex' }).locator('td').last()
    await cortex.filter({ hasText: /^0\.[5-9]/ }).waitFor()
    expect(await page.locator('#error').isVisible()).toBe(false)
  })

  it('keeps all lines of a name beside its colour', async () => {
    const lefts = await page.locator('#legend tbody th').evaluateAll((cells) =>
      cells.map((cell) => {
        const range = document.createRange()
        range.selectNodeContents(cell.lastChild!)
        return Array.from(range.getClientRects(), ({ left }) => Math.round(left))
      }),
    )
    expect(lefts.some(({ length }) => length > 1)).toBe(true)
    expect(new Set(lefts.flat()).size).toBe(1)
  })

  it('saves picture, scene and report', async () => {
    const picture = readFileSync(await visit.download('Save picture'))
    expect([...picture.subarray(1, 4)].map((byte) => String.fromCharCode(byte)).join('')).toBe('PNG')
    const scene = await visit.download('Save scene')
    expect(scene).toMatch(/sample_segmentation\.nvd$/)
    const { encodedImageBlobs } = JSON.parse(gunzipSync(readFileSync(scene)).toString()) as {
      encodedImageBlobs: string[]
    }
    expect(encodedImageBlobs).toHaveLength(2)
    const report = readFileSync(await visit.download('Save report'), 'utf8')
    expect(report).toContain('<h1>sample</h1>')
    expect(report.match(/<img src="data:image\/png/g)!.length).toBeGreaterThan(10)
    expect(report).toContain('cerebral white matter')
  })

  it.each(['light', 'dark'] as const)('is accessible when it is %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    // Off the button that was pressed last, which would look different in the picture.
    await page.mouse.move(0, 0)
    await page.waitForTimeout(500)
    expect(await violations(page)).toEqual([])
    if (process.env.SAE_PICTURES)
      await page.screenshot({ path: join(pictures, `page-${colorScheme}.png`), fullPage: true })
  })

  it('fits a phone, images first', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(excess).toBeLessThanOrEqual(0)
    const top = async (selector: string) => (await page.locator(selector).boundingBox())!.y
    expect(await top('#canvas')).toBeLessThan(await top('#data-heading'))
    expect(await violations(page)).toEqual([])
    if (process.env.SAE_PICTURES) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.evaluate(() => {
        scrollTo(0, 0)
      })
      await page.screenshot({ path: join(pictures, 'page-phone.png') })
    }
  })

  it('shows scans without WebGPU, and says what it takes to segment', async () => {
    const plain = await chromium.launch({
      executablePath: executable!,
      args: ['--no-sandbox', '--disable-gpu', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
    })
    const visitor = await plain.newPage()
    await visitor.goto(visit.address)
    await visitor.getByText('This browser can show scans, but cannot compute').waitFor()
    expect(await visitor.getByText(/Chrome or Edge 113/).isVisible()).toBe(true)
    await visitor.setInputFiles('#any-files', { name: scan.name, mimeType: '', buffer: scan.buffer })
    await visitor.locator('#location', { hasText: /; scan \d+$/ }).waitFor()
    expect(await visitor.locator('#start').isEnabled()).toBe(false)
    await plain.close()
  })
})
