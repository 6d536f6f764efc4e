import { afterAll, beforeAll, expect, it } from 'vitest'
import { readVolume, writeVolume } from '../../../src/io/files.js'
import { grid, head, makeHead } from './make-head.js'
import { sae, succeed, visibleFiles } from '../support.js'

let study: Awaited<ReturnType<typeof makeHead>>
beforeAll(async () => {
  study = await makeHead()
})
afterAll(() => {
  study.remove()
})

it('sae prepare conforms a scan, and writes the brain on its own grid too', async () => {
  const { path, scan, network } = study
  const skipped = ['--skip', 'bias', '--skip', 'intensities']
  const { stdout } = await succeed(['prepare', scan, '--weights', network, ...skipped, '-o', path('out')])
  expect(stdout).toMatch(
    /^ {2}conform: conformed to 256x256x256 voxels of 1x1x1 mm, LIA \(was 30x36x32 voxels of 6x6x6 mm, RIA\)/m,
  )
  const names = [
    ...['desc-brain_T2w', 'desc-brain_mask', 'desc-conform_T2w'],
    ...['space-orig_desc-brain_T2w', 'space-orig_desc-brain_mask'],
  ]
  expect(visibleFiles(path('out'))).toEqual(['run.json', ...names.map((name) => `sub-01_${name}.nii.gz`)])
  const read = (name: string) => readVolume(path(`out/sub-01_${name}.nii.gz`))

  const conformed = await read('desc-conform_T2w')
  expect(conformed.grid.shape).toEqual([256, 256, 256])
  const [mask, brain] = [await read('desc-brain_mask'), await read('desc-brain_T2w')]
  expect(brain.data.every((value, i) => value === conformed.data[i]! * mask.data[i]!)).toBe(true)

  const own = await read('space-orig_desc-brain_mask')
  expect(own.grid.affine).toEqual(grid.affine)
  const inside = (data: ArrayLike<number>) => Array.from(data).reduce((sum, value) => sum + value, 0)
  const both = own.data.map((value, i) => value * head.brain[i]!)
  expect((2 * inside(both)) / (inside(own.data) + inside(head.brain))).toBeGreaterThan(0.95)
  expect((await read('space-orig_desc-brain_T2w')).data).toEqual(
    head.scan.map((value, i) => value * own.data[i]!),
  )
  // 6 mm voxels of it are as much brain as the 1 mm voxels of the conformed mask.
  expect((216 * inside(own.data)) / inside(mask.data)).toBeCloseTo(1, 1)
})

it('sae prepare refuses too small a limit before it writes anything', async () => {
  const { path, scan, network } = study
  const args = ['prepare', scan, '--weights', network, '--memory-limit', '1MB', '-o', path('small')]
  const { code, errors } = await sae(args)
  expect([code, errors.at(-1)]).toEqual([
    2,
    expect.stringMatching(/^sae: at least .* of device memory is needed, but the limit is 1 MB; /),
  ])
  expect(() => visibleFiles(path('small'))).toThrow('ENOENT')
})

it('sae prepare takes a stripped scan of unknown orientation only as it is', async () => {
  const { path } = study
  const data = head.scan.map((value, i) => value * head.brain[i]!)
  const unknown = { ...grid, known: false }
  const stripped = path('stripped.npy')
  await writeVolume(stripped, { data, channels: 1, grid: unknown, source: '' }, 'float32')
  const prepare = (...more: string[]) =>
    sae(['prepare', stripped, '-o', path('other'), '--skip', 'strip', ...more])
  const refused = await prepare()
  expect([refused.code, refused.errors.at(-1)]).toEqual([
    2,
    expect.stringMatching(/stripped\.npy: does not say how the head lies in it/),
  ])
  expect(() => visibleFiles(path('other'))).toThrow('ENOENT')
  const { code, stdout } = await prepare('--skip', 'conform')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/bias field from .* in the brain/)])
  expect(visibleFiles(path('other'))).toEqual([
    'run.json',
    ...['biasfield', 'desc-biascorr_T1w', 'desc-preproc_T1w'].map((name) => `stripped_${name}.nii.gz`),
  ])
})
