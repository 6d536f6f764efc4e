import { existsSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeStudy, sae, shape, type Study } from '../support.js'

let study: Study
/** A label map in FreeSurfer codes. */
let map: string

beforeAll(async () => {
  study = await makeStudy()
  map = study.labels[0]
})
afterAll(() => {
  study.remove()
})

describe('sae synth refuses', () => {
  /** One line on stderr, exit code 2, nothing written. */
  async function refusal(...args: string[]): Promise<string> {
    const { code, stdout, errors } = await sae(['synth', ...args, '-o', study.path('out')])
    expect(errors).toHaveLength(1)
    expect([code, stdout, existsSync(study.path('out'))]).toEqual([2, '', false])
    return errors[0]!
  }

  it.each<[string, string[], RegExp]>([
    ['nothing to work on', [], /give label maps or --phantom/],
    ['two sources', ['MAP', '--phantom'], /label maps or --phantom, not both/],
    ['a table for phantoms', ['--phantom', '--classes', '8'], /--classes cannot be combined with --phantom/],
    [
      'an unknown contrast',
      ['MAP', '--contrast', 'flair'],
      /--contrast flair: give t1, t2, random or FILE\.json/,
    ],
    ['an unknown one of two contrasts', ['MAP', '--contrast', 't1,flair'], /--contrast flair: give t1/],
    ['one contrast twice', ['MAP', '--contrast', 't1,t1'], /--contrast t1,t1: two .* written as T1w/],
    ['T1 of classes without a meaning', ['MAP', '--classes', '8'], /--classes 8 does not say/],
    ['two grids', ['MAP', '--shape', '8,8,8', '--like', 'MAP'], /--like.*--shape/],
    ['a shape of two', ['MAP', '--shape', '8,8'], /three whole numbers/],
    ['phantoms too small', ['--phantom', '--shape', '8,8,8'], /phantom of 8x8x8 voxels/],
    ['a range upside down', ['MAP', '--noise', '0.2,0.1'], /'--noise.*from low to high/],
    ['too much noise', ['MAP', '--noise', '2'], /'--noise.*number from 0 to 1/],
    ['too much deformation', ['MAP', '--deform', '9'], /'--deform.*from 0 to 7\.5/],
    ['two resolutions', ['MAP', '--resolution', '1,2'], /one number or three/],
    ['no scans', ['MAP', '-n', '0'], /whole number from 1/],
    ['a missing map', ['nowhere.nii.gz'], /nowhere\.nii\.gz: .*no such file/],
    ['a missing grid', ['MAP', '--like', 'nowhere.nii.gz'], /nowhere\.nii\.gz: .*no such file/],
    [
      'a scan for a label map',
      ['SCAN'],
      /a\.nii\.gz: voxel \d+ has the value 0\.\d+, but labels are non-negative integers/,
    ],
  ])('%s', async (_, args, message) => {
    const files: Record<string, string> = { MAP: map, SCAN: study.scans[0] }
    expect(await refusal(...args.map((arg) => files[arg] ?? arg))).toMatch(message)
  })

  it('maps without a brain, and a grid without one', async () => {
    const empty = await study.write('empty.nii.gz', new Float32Array(shape[0] * shape[1] * shape[2]), 'uint8')
    expect(await refusal(empty)).toMatch(/empty\.nii\.gz: no voxel belongs to the brain/)
    expect(await refusal(map, '--like', empty)).toMatch(/empty\.nii\.gz: --like needs a brain/)
  })

  it('labels that a table without a rest lacks', async () => {
    const two = {
      classes: [
        { name: 'background', codes: [0] },
        { name: 'cortex', codes: [3] },
      ],
    }
    writeFileSync(study.path('two.json'), JSON.stringify(two))
    expect(await refusal(map, '--classes', study.path('two.json'))).toMatch(
      /a-labels.*label 2 is in no class/,
    )
  })

  it.each<[string, string, RegExp]>([
    ['no JSON', '{', /look\.json: not valid JSON/],
    ['no list', '{}', /look\.json: "classes" must be a list/],
    ['no components', '{ "classes": [{ "codes": [0] }] }', /look\.json: entry 0/],
    [
      'a mean above 1',
      '{ "classes": [{ "codes": [0], "components": [{ "weight": 1, "mean": 2, "deviation": 0 }] }] }',
      /look\.json: entry 0.*mean 2/,
    ],
    [
      'a label left out',
      '{ "classes": [{ "codes": [0], "components": [{ "weight": 1, "mean": 0.1, "deviation": 0 }] }] }',
      /look\.json: no intensities for label 2/,
    ],
  ])('an intensity file with %s', async (_, text, message) => {
    writeFileSync(study.path('look.json'), text)
    expect(await refusal(map, '--contrast', study.path('look.json'))).toMatch(message)
  })
})
