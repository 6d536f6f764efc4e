/** Priors of label maps that lie elsewhere, of tissue maps, and what a prior says. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeValues } from '../../../src/cli/inputs/label-maps.js'
import { readVolume, writeVolume } from '../../../src/io/files.js'
import type { Grid } from '../../../src/io/volume.js'
import { diceScores } from '../../../src/sae/metrics/dice.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { toCodes } from '../../../src/sae/labels/label-codes.js'
import { priorArgmax } from '../../../src/sae/prior/prior.js'
import { makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
const K = phantomTable.classes.length
const shape: [number, number, number] = [32, 32, 32]
const { subjects } = makePhantom({ shape, subjects: 2, noise: 0.02 })
const [first, second] = subjects as [(typeof subjects)[0], (typeof subjects)[0]]
const here = placedAt(-80)
const elsewhere = placedAt(-62)
let files: Record<'scan' | 'labels' | 'own' | 'other', string>

function placedAt(origin: number): Grid {
  const affine = [
    [5, 0, 0, origin],
    [0, 5, 0, origin],
    [0, 0, 5, origin + 9],
    [0, 0, 0, 1],
  ]
  return { shape, affine, known: true }
}

beforeAll(async () => {
  study = await makeStudy()
  const codes = (labels: Uint8Array): Float32Array => Float32Array.from(toCodes(labels, phantomTable))
  files = {
    scan: await study.write('scan.nii.gz', first.scan, 'float32', here),
    labels: await study.write('reference.nii.gz', codes(first.labels), 'uint8', here),
    own: await study.write('own.nii.gz', codes(first.labels), 'uint8', elsewhere),
    other: await study.write('other.nii.gz', codes(second.labels), 'uint8', elsewhere),
  }
})
afterAll(() => {
  study.remove()
})

async function meanDiceOf(path: string): Promise<number> {
  const { data, channels, grid } = await readVolume(path)
  expect([channels, grid.affine]).toEqual([K, here.affine])
  const scores = diceScores(priorArgmax(data, K), first.labels, K).slice(1)
  return scores.reduce((sum, score) => sum + score, 0) / scores.length
}

describe('sae prior --like', () => {
  it('brings maps onto a scan, or onto a label map', async () => {
    const { path, classes } = study
    const common = ['--classes', classes, '--blur', '0', '-o']
    await succeed(['prior', files.own, '--like', files.scan, ...common, path('by-scan.nii.gz')])
    expect(await meanDiceOf(path('by-scan.nii.gz'))).toBeGreaterThan(0.85)
    const { errors } = await succeed([
      'prior',
      files.own,
      '--like',
      files.labels,
      ...common,
      path('by-map.nii.gz'),
    ])
    expect(errors.join('\n')).toMatch(/reference\.nii\.gz: taken for a label map/)
    expect(await meanDiceOf(path('by-map.nii.gz'))).toBeGreaterThan(0.99)
  })

  it('fits a map of classes onto one of codes, and the other way round', async () => {
    const { path, classes } = study
    const description = describeValues(phantomTable, 'classes')
    const ofClasses = async (name: string, grid: Grid): Promise<string> => {
      const data = Float64Array.from(first.labels)
      await writeVolume(path(name), { data, channels: 1, grid, source: name, description }, 'uint8')
      return path(name)
    }
    const pairs = [
      [await ofClasses('own-classes.nii.gz', elsewhere), files.labels],
      [files.own, await ofClasses('like-classes.nii.gz', here)],
    ] as const
    for (const [i, [map, like]] of pairs.entries()) {
      const output = path(`classes${i}.nii.gz`)
      const args = ['prior', map, '--like', like, '--classes', classes, '--blur', '0', '-o', output]
      expect((await succeed(args)).stdout).toMatch(/structures fitted to within 0\.0 mm/)
      expect(await meanDiceOf(output)).toBeGreaterThan(0.99)
    }
    const args = ['prior', pairs[0][0], '--like', files.scan, '--classes', classes, '--outside', '3']
    const { code, errors } = await sae([...args, '-o', path('none.nii.gz'), '--quiet'])
    expect([code, errors]).toEqual([
      2,
      [`sae: ${pairs[0][0]}: holds classes, not codes, so --outside names none of it; leave it out`],
    ])
  })

  it('averages several, widens them, and says how much of a truth is allowed', async () => {
    const { path, classes } = study
    const maps = [files.own, files.other]
    const common = ['--classes', classes, '--like', files.scan, '--floor', '0.01', '-o']
    const allowed: number[] = []
    for (const [name, dilate] of [
      ['narrow', '0'],
      ['wide', '5'],
    ]) {
      const prior = path(`${name!}.nii.gz`)
      await succeed(['prior', ...maps, '--dilate', dilate!, ...common, prior])
      const { stdout } = await succeed(['prior', '--show', prior, '--truth', files.labels])
      expect(stdout).toMatch(/^class +expected ml +argmax ml +support +truth ml +allowed +Dice$/m)
      expect(stdout).toMatch(/^Entropy: \d\.\d{4} nats per voxel/m)
      const rows = stdout.split('\n').slice(1, K + 1)
      allowed.push(Math.min(...rows.map((row) => Number(/ ([\d.]+) % +\S+$/.exec(row)![1]))))
    }
    expect(allowed[1]!).toBeGreaterThanOrEqual(allowed[0]!)
    expect(allowed[1]!).toBeGreaterThan(90)
  })

  it('makes background of codes that lie outside', async () => {
    const { path, classes } = study
    const gone = phantomTable.classes[2]!.codes[0]!
    const args = ['--like', files.labels, '--outside', String(gone), '--blur', '0', '--classes', classes]
    const { errors } = await succeed(['prior', files.own, ...args, '-o', path('without.nii.gz')])
    expect(errors.join('\n')).toContain(`no voxel of ${phantomTable.classes[2]!.name}`)
  })
})

describe('labels of what a scan was stripped of', () => {
  /** The map with a shell of two codes around the head, and the voxels of one more in the head. */
  const withSkull = (): Float32Array => {
    const [D, H, W] = shape
    const codes = Float32Array.from(toCodes(first.labels, phantomTable))
    const isShell = (i: number): boolean => {
      const [d, h, w] = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
      const radius = Math.hypot(d - D / 2 + 0.5, h - H / 2 + 0.5, w - W / 2 + 0.5)
      return codes[i] === 0 && radius < D / 2
    }
    return codes.map((code, i) =>
      isShell(i) ? (i % 2 === 0 ? 501 : 502) : code === 0 ? 0 : i % 7 === 0 ? 77 : code,
    )
  }

  it('are named, so that the user can leave them out', async () => {
    const { path, write } = study
    const table = path('rest.json')
    // The rest class lists one of the two codes of the skull, as FreeSurfer's table lists its own.
    const rest = { name: 'other', abbreviation: 'other', codes: [501] }
    writeFileSync(table, JSON.stringify({ classes: [...phantomTable.classes, rest], rest: K }))
    const map = await write('skull.nii.gz', withSkull(), 'int16', elsewhere)
    const args = ['prior', map, '--classes', table, '--blur', '0', '--like']
    const { errors } = await succeed([...args, files.scan, '-o', path('whole.nii.gz')])
    expect(errors.join('\n')).toMatch(
      /skull\.nii\.gz: \d\d % of its labels lie where .*scan\.nii\.gz is empty.* give --outside 501-502$/m,
    )
    const without = [...args, files.scan, '--outside', '501-502', '-o', path('brain.nii.gz')]
    expect((await succeed(without)).errors.join('\n')).not.toContain('--outside')
  })
})

describe('sae prior --tissues', () => {
  it('takes what the maps leave for background', async () => {
    const { path, write } = study
    const share = (of: number): Float32Array => Float32Array.from(first.labels, (c) => (c === of ? 0.75 : 0))
    const maps = [
      await write('c1.nii.gz', share(1), 'float32', here),
      await write('c2.nii.gz', share(2), 'float32', here),
    ]
    const output = path('tissues.nii.gz')
    await succeed(['prior', '--tissues', ...maps, '--names', 'gm,wm', '-o', output])
    const { data } = await readVolume(output)
    const size = first.labels.length
    const at = first.labels.indexOf(2)
    expect([0, 1, 2].map((c) => data[c * size + at])).toEqual([0.25, 0, 0.75])
    const { stdout } = await succeed(['prior', '--show', output])
    expect(stdout).toMatch(/^wm /m)
  })
})

describe('sae prior --show', () => {
  it('reads the volume of the truth that it is told to', async () => {
    const { path, write, classes } = study
    const prior = path('shown.nii.gz')
    await succeed(['prior', files.labels, '--classes', classes, '-o', prior])
    const size = first.labels.length
    const both = new Float32Array(2 * size)
    both.set((await readVolume(files.labels)).data, size)
    const truth = await write('both.nii.gz', both, 'int16', here, 2)
    const show = ['prior', '--show', prior, '--truth']
    const { stdout } = await succeed([...show, files.labels])
    expect((await succeed([...show, truth, '--volume', '1'])).stdout).toBe(stdout)
    expect((await succeed([...show, truth, '--volume', '0'])).stdout).toMatch(/ 0\.0 +absent /)
    const { errors } = await sae([...show, truth])
    expect(errors).toEqual([expect.stringMatching(/both\.nii\.gz: has 2 volumes, .* --volume, 0 to 1$/)])
  })

  it('refuses options that it would ignore', async () => {
    const making = ['blur 1', 'like x.nii', 'every 1', 'tissues', 'transform affine', 'volume 0']
    for (const option of making) {
      const args = `--${option}`.split(' ')
      const { code, errors } = await sae(['prior', '--show', study.path('none.nii.gz'), ...args])
      expect(errors).toEqual([expect.stringMatching(/^sae: (--show: )?--[a-z-]+ goes with /)])
      expect(errors[0]).toContain(`${args[0]!} goes with`)
      expect(code).toBe(2)
    }
  })
})

describe('what does not go together', () => {
  it('is refused in one line', async () => {
    const { path, write } = study
    const before = visibleFiles(study.folder)
    const two = await write('two.nii.gz', new Float32Array(first.labels.length).fill(1.5), 'float32', here)
    const cases: [string[], RegExp][] = [
      [['--tissues', files.own, '-o', path('x.nii.gz')], /--tissues: give --names as well/],
      [['--tissues', files.own, '--names', 'a,b', '-o', path('x.nii.gz')], /--names gives 2 names for 1/],
      [
        ['--tissues', two, '--names', 'a', '-o', path('x.nii.gz')],
        /two\.nii\.gz: contains 1\.5; a tissue map/,
      ],
      [['--show', files.own, '-o', path('x.nii.gz')], /--show looks at a prior and makes none/],
      [['-o', path('x.nii.gz')], /give label maps or an atlas/],
      [[files.own], /give -o/],
      [[files.own, '--transform', 'smooth', '-o', path('x.nii.gz')], /go with --like/],
      [
        [
          ...[files.own, '--like', files.labels, '--classes', study.classes],
          ...['--transform', 'smooth', '-o', path('x.nii.gz')],
        ],
        /reference\.nii\.gz: is a label map, .*; leave out --transform smooth, or give a scan/,
      ],
      [
        [files.own, '--like', files.scan, '--outside', 'x', '-o', path('x.nii.gz')],
        /codes and ranges of codes/,
      ],
    ]
    for (const [args, expected] of cases) {
      const { code, errors } = await sae(['prior', ...args, '--quiet'])
      expect([code, errors.length]).toEqual([2, 1])
      expect(errors[0]).toMatch(expected)
    }
    expect(visibleFiles(study.folder)).toEqual([...before, 'two.nii.gz'].sort())
  })
})

describe('names and settings out of range', () => {
  it('are refused before voxels are read', async () => {
    const { path, classes } = study
    // Of a reference that ends after its header, the voxels cannot be read.
    const cut = path('cut.nii')
    writeFileSync(cut, readFileSync(study.scans[1]).subarray(0, 400))
    const output = ['-o', path('x.nii.gz')]
    const common = [files.own, '--classes', classes, '--like', cut]
    const smooth = ['--transform', 'smooth']
    expect((await sae(['prior', ...common, ...output])).errors.at(-1)).toMatch(/cut\.nii: /)
    const cases: [string[], RegExp][] = [
      [[...smooth, '-o', path('x')], /\/x: not a volume by its name; it must end in \.nii\.gz, /],
      [['--floor', '.2', ...output], /^sae: --floor 0\.2: give less than 1\/8, for the prior has 8 classes$/],
      [
        ['--blur', '1000', ...output],
        /^sae: --blur 1000: is in millimetres, 1000 voxels of \S+cut\.nii; give at most 100 voxels$/,
      ],
      [
        ['--every', '13', ...output],
        /^sae: --every 13: keeps one voxel along an axis of \S+cut\.nii, which has 15x16x13; give less$/,
      ],
      [
        ['--dilate', '40', ...output],
        /^sae: --dilate 40: is in millimetres, 40\.0 voxels of the prior, which has 15x16x13; give less$/,
      ],
    ]
    for (const [args, message] of cases) {
      const { code, errors } = await sae(['prior', ...common, ...args])
      expect(errors).toEqual([expect.stringMatching(message)])
      expect(code).toBe(2)
    }
    expect(existsSync(path('x.nii.gz'))).toBe(false)
  })
})
