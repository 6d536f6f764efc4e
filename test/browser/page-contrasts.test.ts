import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { readVolume } from '../../src/io/files.js'
import { violations } from './accessibility.js'
import { findChromium } from './chromium.js'
import { makeFourD, makeLabels, makeNifti, niftiOf, straightAffine } from './page-files.js'
import type { PageVisit } from './page-visit.js'
import { makeBrokenWeights, makeWeights, makeWeightsForTwo } from './page-weights.js'
import { visiting } from './visiting.js'

const executable = findChromium()

const firstValue = (i: number): number => 1 + ((i * 7919) % 101) + (i % 20)
const secondValue = (i: number): number => 500 - ((i * 104729) % 89) - 3 * (i % 18)
const t1 = { name: 'sub-01_T1w.nii', buffer: makeNifti(firstValue) }
const t2 = { name: 'sub-01_T2w.nii', buffer: makeNifti(secondValue) }
const prior = { name: 'other.nii', buffer: makeLabels() }
const forOne = { name: 'one.safetensors', buffer: makeWeights() }
const forTwo = { name: 'two.safetensors', buffer: makeWeightsForTwo() }

describe.skipIf(!executable)('the page, to a visitor with several contrasts of a person', () => {
  let visit: PageVisit
  let page: Page
  /** What the weights for one contrast make of T1w, of T2w: voxels of the saved files. */
  const alone: Float32Array[] = []

  visiting(executable, (opened) => {
    visit = opened
    page = opened.page
  })

  const channels = async (): Promise<string[]> => page.locator('#contrasts li > span').allTextContents()
  const segmented = async (name: string): Promise<Float32Array> => {
    await page.locator('[name=layer][value=segmentation]:checked').waitFor()
    await page.locator('#location', { hasText: /; segmentation / }).waitFor()
    const file = await visit.download('Save segmentation')
    expect(basename(file)).toBe(name)
    expect(await page.locator('#error').isVisible()).toBe(false)
    return (await readVolume(file)).data
  }

  it('refuses weights for two contrasts if one scan is open', async () => {
    await visit.drop([t1, prior])
    await visit.data('sub-01_T1w of 16x18x20 voxels, 14 classes.')
    await visit.drop([forTwo])
    await visit.refusal(
      'two.safetensors: its encoder is for scans of 2 contrasts, but sub-01_T1w has 1 contrast; open the 2 contrasts of one person together, or other weights',
    )
    expect(await page.locator('#save-segmentation').isEnabled()).toBe(false)
    await visit.drop([forOne])
    alone.push(await segmented('sub-01_T1w_dseg.nii.gz'))
    await visit.drop([t2])
    await visit.data('sub-01_T2w of')
    await visit.drop([forOne])
    alone.push(await segmented('sub-01_T2w_dseg.nii.gz'))
    expect(new Set(alone[0]).size).toBeGreaterThan(2)
    expect(alone[0]).not.toEqual(alone[1])
  })

  it('takes scans whose names differ in the contrast for one person, and says which is which channel', async () => {
    await visit.drop([t2, t1])
    await page.getByText('Took 2 contrasts of one person.').waitFor()
    await visit.data('sub-01_T1w of 16x18x20 voxels, 2 contrasts, 14 classes.')
    expect(await channels()).toEqual(['Channel 1: sub-01_T1w', 'Channel 2: sub-01_T2w'])
    expect(await page.textContent('#contrast-hint')).toBe(
      'Weights do not record which contrast is which channel: the order must be that of their training.',
    )
    expect(await page.inputValue('#grouping')).toBe('contrasts')
    expect(await page.locator('#scan option').count()).toBe(1)
  })

  it('refuses weights for one contrast beside two', async () => {
    await visit.drop([forOne])
    await visit.refusal(
      'one.safetensors: its encoder is for scans of 1 contrast, but sub-01_T1w has 2 contrasts; open one of them alone, or other weights',
    )
  })

  it('segments with weights for two contrasts, in the order that it states', async () => {
    await visit.drop([forTwo])
    // These weights see nothing but the first channel.
    expect(await segmented('sub-01_T1w_dseg.nii.gz')).toEqual(alone[0])
    await page.getByRole('button', { name: 'Move up sub-01_T2w' }).click()
    await visit.data('sub-01_T2w of 16x18x20 voxels, 2 contrasts')
    expect(await channels()).toEqual(['Channel 1: sub-01_T2w', 'Channel 2: sub-01_T1w'])
    await page.locator(':focus[aria-label="Move up sub-01_T1w"]').waitFor()
    expect(await segmented('sub-01_T2w_dseg.nii.gz')).toEqual(alone[1])
  })

  it('shows either contrast, at the same place', async () => {
    const shown = () =>
      page.evaluate(() => {
        const { niivue } = (window as unknown as { viewer: { niivue: ShownNiivue } }).viewer
        return { highest: Math.max(...niivue.volumes[0]!.img), at: [...niivue.scene.crosshairPos] }
      })
    await page.focus('#canvas')
    for (const key of ['ArrowRight', 'ArrowUp', 'PageDown']) await page.keyboard.press(key)
    const before = await shown()
    await page.selectOption('#contrast', { label: '2: sub-01_T1w' })
    await page.locator('#canvas[aria-label^="Scan sub-01_T2w, contrast sub-01_T1w, with its seg"]').waitFor()
    const after = await shown()
    expect([before.highest, after.highest]).toEqual([highest(secondValue), highest(firstValue)])
    for (const axis of [0, 1, 2]) expect(after.at[axis]).toBeCloseTo(before.at[axis]!, 5)
    await page.locator('#location', { hasText: /^At .*; scan \d+; segmentation / }).waitFor()
  })

  it.each(['light', 'dark'] as const)('is accessible when it is %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    await page.waitForTimeout(500)
    expect(await violations(page)).toEqual([])
  })

  it('fits a phone', async () => {
    const { width, height } = page.viewportSize()!
    await page.setViewportSize({ width: 390, height: 844 })
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(excess).toBeLessThanOrEqual(0)
    expect(await violations(page)).toEqual([])
    await page.setViewportSize({ width, height })
  })

  it('takes them for scans of different people if told so, and tries the weights again', async () => {
    await page.selectOption('#grouping', 'people')
    await visit.data('2 scans of 16x18x20 voxels, 14 classes.')
    await visit.refusal(
      'two.safetensors: its encoder is for scans of 2 contrasts, but sub-01_T1w has 1 contrast; if the scans are contrasts of one person, say so under Data',
    )
    expect(await page.locator('#contrast').isVisible()).toBe(false)
    await page.selectOption('#grouping', 'contrasts')
    expect(await segmented('sub-01_T1w_dseg.nii.gz')).toEqual(alone[0])
  })

  it('takes a 4-D file for a scan unless its volumes sum to 1', async () => {
    const both = { name: 'both.nii', buffer: makeFourD([firstValue, secondValue]) }
    await visit.drop([both, forTwo])
    await page.getByText('Took both.nii as a scan of 2 contrasts; two.safetensors as weights.').waitFor()
    await visit.data('both of 16x18x20 voxels, 2 contrasts, 14 classes.')
    expect(await channels()).toEqual(['Channel 1: both, volume 1', 'Channel 2: both, volume 2'])
    expect(await page.locator('#grouping').isVisible()).toBe(false)
    expect(await segmented('both_dseg.nii.gz')).toEqual(alone[0])

    await visit.reload()
    const series = Array.from({ length: 9 }, () => firstValue)
    await visit.drop([{ name: 'series.nii', buffer: makeFourD(series) }])
    await visit.refusal('series.nii: its 9 volumes are not a prior')
    const share = (i: number): number => (i % 5) / 4
    const probabilities = makeFourD([share, (i) => 1 - share(i)])
    await visit.drop([{ name: 'halves.nii', buffer: probabilities }])
    await page.getByText('Took halves.nii as the prior. Now open a scan.').waitFor()
    await visit.drop([t1])
    await visit.data('sub-01_T1w of 16x18x20 voxels, 2 classes.')
  })

  it('takes the names of classes from weights if no file had said them', async () => {
    const legend = () => page.locator('#legend tbody tr').allTextContents()
    expect(await legend()).toEqual(['background0', 'class 11'])
    const table = {
      classes: [
        { name: 'no lesion', abbreviation: 'no', codes: [0] },
        { name: 'lesion', abbreviation: 'le', codes: [9] },
      ],
    }
    await visit.drop([{ name: 'lesions.safetensors', buffer: makeWeights(table) }])
    const codes = new Set(await segmented('sub-01_T1w_dseg.nii.gz'))
    expect([...codes].sort()).toEqual([0, 9])
    expect(await legend()).toEqual(['no lesion0', 'lesion9'])
    expect(await page.locator('#class option').allTextContents()).toEqual(['no lesion', 'lesion'])
    // Other weights may have learnt other classes.
    const other = {
      classes: [
        { name: 'no tumour', abbreviation: 'no', codes: [0] },
        { name: 'tumour', abbreviation: 'tu', codes: [5] },
      ],
    }
    await visit.drop([{ name: 'tumours.safetensors', buffer: makeWeights(other) }])
    await page.getByText('tumours.safetensors: weights of an encoder').waitFor()
    expect(await legend()).toEqual(['no tumour0', 'tumour5'])
    const others = new Set(await segmented('sub-01_T1w_dseg.nii.gz'))
    expect([...others].sort()).toEqual([0, 5])
    // Weights that cannot be loaded leave the weights before, with the names of their classes.
    await visit.drop([{ name: 'broken.safetensors', buffer: makeBrokenWeights(table) }])
    await visit.refusal(/broken\.safetensors/)
    const kept = await readVolume(await visit.download('Save segmentation'))
    expect([...new Set(kept.data)].sort()).toEqual([0, 5])
  })

  it('learns from two contrasts, and keeps the run with both', async () => {
    await visit.drop([t1, t2, prior])
    await visit.data('2 contrasts, 14 classes.')
    await page.getByText('Settings', { exact: true }).click()
    await page.selectOption('[name=network]', 'small')
    await page.fill('[name=pretrainingEpochs]', '1')
    await page.fill('[name=trainingEpochs]', '2')
    await page.getByText('Settings', { exact: true }).click()
    await page.getByRole('button', { name: 'Start training' }).click()
    await page.getByText('Done: the run is complete').waitFor({ timeout: 600_000 })
    const kept = readFileSync(await visit.download('Save weights'))
    expect(kept.toString('latin1')).toContain('\\"channels\\":2')
    // Another order would drop what it has learnt, and so would another grouping.
    expect(await page.locator('#contrasts button').count()).toBe(0)
    expect(await page.locator('#grouping').isVisible()).toBe(false)
    expect(await page.textContent('#contrast-hint')).toContain('to group them otherwise, open them again')
    await page.reload()
    await page.getByRole('button', { name: 'Resume this run' }).click()
    await page.getByText('Done: the run is complete').waitFor({ timeout: 600_000 })
    expect(await channels()).toEqual(['Channel 1: sub-01_T1w', 'Channel 2: sub-01_T2w'])
    // Its weights are for this order.
    expect(await page.locator('#contrasts button').count()).toBe(0)
    expect(await page.locator('#contrast option').allTextContents()).toEqual([
      '1: sub-01_T1w',
      '2: sub-01_T2w',
    ])
    await segmented('sub-01_T1w_dseg.nii.gz')
  })

  it('stays at the same place of the world if the contrasts lie on grids that are turned against each other', async () => {
    const turned = [
      [0.8, -0.6, 0, -2],
      [0.6, 0.8, 0, -25],
      [0, 0, 1, 2],
      [0, 0, 0, 1],
    ]
    await visit.reload()
    await visit.drop([
      { name: 'p_T1w.nii', buffer: niftiOf([32, 32, 32], straightAffine(1), firstValue) },
      { name: 'p_T2w.nii', buffer: niftiOf([32, 32, 32], turned, secondValue) },
      { name: 'p_labels.nii', buffer: niftiOf([32, 32, 32], straightAffine(1), (i) => (i % 32 < 8 ? 2 : 0)) },
    ])
    await visit.data('p_T1w of 32x32x32 voxels, 2 contrasts, 14 classes.')
    const at = async (): Promise<number[]> =>
      /^At ([^;]*) mm/
        .exec((await page.textContent('#location'))!)![1]!
        .split(', ')
        .map(Number)
    await page.locator('#canvas[aria-label*="contrast p_T1w"]').waitFor()
    const before = await at()
    await page.selectOption('#contrast', { label: '2: p_T2w' })
    await page.locator('#canvas[aria-label*="contrast p_T2w"]').waitFor()
    // The crosshair is at the centre of a voxel.
    for (const [axis, position] of (await at()).entries()) {
      expect(Math.abs(position - before[axis]!)).toBeLessThan(0.75)
    }
  })
})

interface ShownNiivue {
  readonly volumes: readonly { readonly img: Iterable<number> }[]
  readonly scene: { readonly crosshairPos: Iterable<number> }
}

const highest = (value: (i: number) => number): number =>
  Math.max(...Array.from({ length: 16 * 18 * 20 }, (_, i) => value(i)))
