import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readVolume } from '../../src/io/files.js'
import { phantomTable } from '../../src/sae/phantom/phantom.js'
import { install, root, runNode, type Installed } from './installed.js'

let installed: Installed
beforeAll(() => {
  // The driver that openGpu falls back to on a machine without one.
  installed = install(['@sparticuz/chromium'])
})
afterAll(() => {
  installed.remove()
})

/** The number behind every occurrence of some words. */
function numbersAfter(words: string, text: string): number[] {
  return [...text.matchAll(new RegExp(`${words} (-?[\\d.]+)`, 'g'))].map(([, number]) => Number(number))
}

function expectFalling(losses: readonly number[], share: number): void {
  expect(losses.length).toBeGreaterThan(2)
  for (const loss of losses) expect(Number.isFinite(loss)).toBe(true)
  expect(losses.at(-1)).toBeLessThan(share * losses[0]!)
}

/** What an example must have printed, beyond ending well. */
const checks: Readonly<Record<string, (printed: string, folder: string) => Promise<void> | void>> = {
  'train-from-nothing': (printed) => {
    expectFalling(numbersAfter('mean loss', printed), 0.2)
  },
  'supervised-unet': (printed) => {
    expectFalling(numbersAfter('cross-entropy', printed), 0.5)
    const [dice] = numbersAfter('mean Dice', printed)
    expect(dice).toBeGreaterThan(0.6)
    expect(dice).toBeLessThan(1)
  },
  nnunet: (printed) => {
    expectFalling(numbersAfter('mean loss', printed), 0.3)
    for (const words of ['Dice', 'of the ball,']) expect(numbersAfter(words, printed)[0]).toBeGreaterThan(0.8)
  },
  mlp: (printed) => {
    expectFalling(numbersAfter('mean loss', printed), 0.1)
    expect(numbersAfter('accuracy', printed)[0]).toBeGreaterThan(0.95)
  },
  attention: (printed) => {
    expectFalling(numbersAfter('mean loss', printed), 0.1)
    expect(numbersAfter('accuracy', printed)[0]).toBeGreaterThan(0.98)
  },
  vae: (printed) => {
    expectFalling(numbersAfter('mean loss', printed), 0.3)
    expect(numbersAfter('explained variance', printed)[0]).toBeGreaterThan(0.9)
    // Without its divergence, the codes would be free to lie anywhere.
    expect(numbersAfter('loss [\\d.]+,', printed).at(-1)).toBeLessThan(15)
  },
  meshnet: (printed) => {
    expectFalling(numbersAfter('mean loss', printed), 0.3)
  },
  'segment-file': async (printed, folder) => {
    expect(numbersAfter('mean Dice with the truth:', printed)[0]).toBeGreaterThan(0.45)
    const [, scan, output] = /^(\S+) -> (\S+)$/m.exec(printed)!
    const made = dirname(scan!)
    try {
      const segmentation = await readVolume(output!)
      expect(segmentation.channels).toBe(1)
      expect(segmentation.grid.shape).toEqual((await readVolume(scan!)).grid.shape)
      const codes = new Set(phantomTable.classes.flatMap((entry) => entry.codes))
      const values = new Set(segmentation.data)
      for (const value of values) expect(codes).toContain(value)
      expect(values.size).toBeGreaterThan(3)
      // The same files, named by the user.
      const again = join(made, 'again.nii.gz')
      const files = [scan!, join(made, 'weights.safetensors'), join(made, 'prior.nii.gz')]
      await runNode(folder, 'main.mjs', ...files, again)
      expect((await readVolume(again)).data).toEqual(segmentation.data)
    } finally {
      rmSync(made, { recursive: true })
    }
  },
}

const data = process.env.SAE_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** What examples are told on the command line. */
const args: Readonly<Record<string, readonly string[]>> = {
  meshnet: [join(data, 'brainchop/model20chan3cls')],
}

const names = readdirSync(join(root, 'examples')).filter((name) =>
  existsSync(join(root, 'examples', name, 'main.mjs')),
)

it('finds the examples that are checked', () => {
  expect(names).toEqual(expect.arrayContaining(Object.keys(checks)))
})

// SwiftShader takes ten times as long as lavapipe.
const timeout = 600_000

it.for(names)('examples/%s runs with the packed package', { timeout }, async (name, { skip }) => {
  const missing = args[name]?.find((path) => !existsSync(path))
  skip(missing !== undefined, `no ${missing ?? ''}; set SAE_DATA`)
  const folder = installed.copy(join('examples', name))
  const printed = await runNode(folder, 'main.mjs', ...(args[name] ?? []))
  expect(printed).not.toBe('')
  await checks[name]?.(printed, folder)
})
