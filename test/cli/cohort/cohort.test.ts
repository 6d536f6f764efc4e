/** Which scans the arguments of a command stand for. */
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findScans, type CohortOptions } from '../../../src/cli/cohort/cohort.js'
import { Terminal } from '../../../src/cli/terminal.js'

let folder: string
const at = (name: string): string => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae cohört '))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Makes files, which need not be volumes: only their names matter here. */
function make(...names: string[]): void {
  for (const name of names) {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), 'x')
  }
}

class Notes extends Terminal {
  readonly texts: string[] = []
  constructor() {
    super('normal')
  }
  override note(text: string): void {
    this.texts.push(text)
  }
}

async function find(
  given: readonly string[],
  options: Partial<CohortOptions> = {},
  terminal: Terminal = new Terminal('silent'),
): Promise<string[]> {
  const { scans } = await findScans(given.map(at), { suffix: 'T1w', ...options }, terminal)
  return scans.map((scan) => relative(folder, scan))
}

describe('a folder', () => {
  it('stands for its scans in natural order, without what was made from them, priors and other files', async () => {
    make('s/scan10.nii.gz', 's/scan2.nii', 's/é ü.npz', 's/A.NII', 's/notes.txt', 's/.hidden.nii')
    make('s/scan2_dseg.nii.gz', 's/scan2_probseg.nii.gz', 's/scan2_mask.nii', 's/scan2_biasfield.nii.gz')
    make('s/prior.nii.gz', 's/deeper/scan1.nii')
    expect(await find(['s'], { prior: at('s/prior.nii.gz') })).toEqual([
      ...['s/A.NII', 's/é ü.npz', 's/scan2.nii', 's/scan10.nii.gz'],
    ])
  })

  it('is refused if it has none', async () => {
    mkdirSync(at('empty'))
    make('made/a_dseg.nii.gz', 'bids/sub-01/anat/sub-01_T1w.nii.gz')
    await expect(find(['empty'])).rejects.toThrow(/empty: holds no scan$/)
    await expect(find(['made'])).rejects.toThrow(/made: holds no scan, only priors, label maps and masks$/)
    await expect(find(['bids'])).rejects.toThrow(/it lacks dataset_description\.json$/)
  })

  it('is refused with the program that converts it if it holds DICOM files, at any depth', async () => {
    make('dicom/notes.txt')
    mkdirSync(at('dicom/study/series'), { recursive: true })
    writeFileSync(at('dicom/study/series/IM0001'), `${' '.repeat(128)}DICM and more`)
    for (const name of ['dicom', 'dicom/study', 'dicom/study/series']) {
      await expect(find([name])).rejects.toThrow(
        new RegExp(`${name}: is a folder of DICOM files, .*: dcm2niix -z y -o OUT .*${name}$`),
      )
    }
  })
})

describe('contrasts of one scan', () => {
  it('are different files, however they are named', async () => {
    make('s/a.nii', 's/b.nii', 't1/a.nii', 't1/b.nii')
    symlinkSync(at('s/a.nii'), at('s/link.nii'))
    writeFileSync(at('list.csv'), 'scan\n"s/a.nii,s/a.nii"\n')
    const again = /as two contrasts of one scan; give each contrast once, or the file alone$/
    const join = (...names: string[]): string =>
      names
        .map(at)
        .join(',')
        .slice(folder.length + 1)
    for (const scan of [
      join('s/a.nii', 's/a.nii'),
      join('s/a.nii', 's/b.nii', 's/../s/a.nii'),
      join('s/a.nii', 's/link.nii'),
      join('t1', 't1'),
      'list.csv',
    ])
      await expect(find([scan])).rejects.toThrow(again)
    expect(await find([join('s/a.nii', 's/b.nii')])).toHaveLength(1)
  })
})

describe('a glob', () => {
  it('stands for the files that it matches; one that is a file stands for itself', async () => {
    make('s/a b10.nii', 's/a b9.nii', 's/c.nii', 's/[x].nii', 's/x.nii')
    expect(await find(['s/a*.nii'])).toEqual(['s/a b9.nii', 's/a b10.nii'])
    expect(await find(['s/[x].nii'])).toEqual(['s/[x].nii'])
    await expect(find(['s/z*.nii'])).rejects.toThrow(/z\*\.nii: matches no file$/)
  })
})

describe('folders and globs joined by commas', () => {
  async function findJoined(...parts: string[]): Promise<string[]> {
    const argument = parts.map(at).join(',')
    const { scans } = await findScans([argument], { suffix: 'T1w' }, new Terminal('silent'))
    const names = (scan: string) => scan.split(',').map((file) => relative(folder, file))
    return scans.map((scan) => names(scan).join(','))
  }

  it('stand for scans of several channels, paired by name', async () => {
    make('t1/a.nii', 't1/b10.nii', 't1/b9_T1.nii', 't2/b10.nii.gz', 't2/a.mgz', 't2/b9_T2.nii')
    expect(await findJoined('t1/', 't2')).toEqual([
      ...['t1/a.nii,t2/a.mgz', 't1/b9_T1.nii,t2/b9_T2.nii', 't1/b10.nii,t2/b10.nii.gz'],
    ])
    make('x/sub-1_ses-1_acq-a_T1w.nii', 'x/sub-1_ses-2_T1w.nii')
    make('y/sub-1_ses-2_desc-x_T2w.nii', 'y/sub-1_ses-1_acq-b_T2w.nii')
    make('z/sub-1_ses-2_FLAIR.nii', 'z/sub-1_ses-1_FLAIR.nii')
    expect(await findJoined('x/*.nii', 'y', 'z')).toEqual([
      'x/sub-1_ses-1_acq-a_T1w.nii,y/sub-1_ses-1_acq-b_T2w.nii,z/sub-1_ses-1_FLAIR.nii',
      'x/sub-1_ses-2_T1w.nii,y/sub-1_ses-2_desc-x_T2w.nii,z/sub-1_ses-2_FLAIR.nii',
    ])
  })

  it('are refused with the names of all that have no partner, or more than one', async () => {
    make('t1/a.nii', 't1/b.nii', 't1/sub-1_run-1_T1w.nii', 't1/sub-1_run-2_T1w.nii')
    make('t2/a.nii', 't2/c.nii', 't2/sub-1_T2w.nii')
    await expect(findJoined('t1', 't2')).rejects.toThrow(
      /t2: these have no partner by their names: \S+ [^;]*t1\/b\.nii; .*t1\/sub-1_run-1_T1w\.nii \(fits .*sub-1_T2w\.nii\); .*run-2.*; .*t2\/c\.nii; .*t2\/sub-1_T2w\.nii \(fits .*run-1_T1w\.nii, .*run-2_T1w\.nii\); give them equal names/,
    )
    make('ds/dataset_description.json')
    await expect(findJoined('t1', 'ds')).rejects.toThrow(
      /but .*ds is a BIDS dataset; give it alone, with --suffix/,
    )
    await expect(findJoined('t1', 't2/a.nii')).rejects.toThrow(
      /commas join the files of one scan, or folders alone, but/,
    )
  })

  it('are not commas in the braces of a glob', async () => {
    make('s/a1.nii', 's/b1.nii', 's/c1.nii')
    expect(await find(['s/{a*,b*}.nii'])).toEqual(['s/a1.nii', 's/b1.nii'])
  })
})

describe('files given more than once', () => {
  it('are taken once, which is said', async () => {
    make('s/a.nii', 's/b.nii')
    symlinkSync(at('s/a.nii'), at('link.nii'))
    const notes = new Notes()
    expect(await find(['s/b.nii', 's', 'link.nii'], {}, notes)).toEqual(['s/b.nii', 's/a.nii'])
    expect(notes.texts.map((text) => text.replace(folder, ''))).toEqual([
      '/s/b.nii: was given more than once; it is taken once',
      '/link.nii: was given more than once; it is taken once',
    ])
  })

  it('are found by hard links, links to folders, both names of a pair, and a path that goes round', async () => {
    make('s/a.nii', 's/b.hdr', 's/b.img', 's/c.nii')
    linkSync(at('s/a.nii'), at('hard.nii'))
    symlinkSync(at('s'), at('t'))
    const given = ['s/a.nii', 'hard.nii', 't/a.nii', 's/../s/a.nii', 's/b.img', 's/b.hdr']
    expect(await find(given)).toEqual(['s/a.nii', 's/b.img'])
    writeFileSync(at('list.tsv'), 'scan\ns/a.nii\nhard.nii\ns/c.nii\n')
    expect(await find(['list.tsv'])).toEqual(['s/a.nii', 's/c.nii'])
    const contrasts = find([`s/a.nii,${at('hard.nii')}`])
    await expect(contrasts).rejects.toThrow(/hard\.nii as two contrasts of one scan/)
  })
})

describe('a list', () => {
  const list = (name: string, text: string): void => {
    writeFileSync(at(name), text)
  }

  it('names scans, labels and participants, relative to its folder; lines may end in CRLF, cells have quotes', async () => {
    make('in/a, b.nii', 'in/ü "c".nii', 'in/l.nii', 'in/m.nii')
    list('in/l.csv', '\uFEFFage,"scan",labels\r\n5,"a, b.nii",l.nii\r\n\r\n6,"ü ""c"".nii",m.nii\r\n')
    list('in/l.tsv', 'participant_id\tpath\tlabels\n01\ta, b.nii\tn/a\nsub-02\t"ü ""c"".nii"\t\n')
    const csv = await findScans([at('in/l.csv')], { suffix: 'T1w' }, new Terminal('silent'))
    expect(csv.scans).toEqual([at('in/a, b.nii'), at('in/ü "c".nii')])
    expect(csv.labels).toEqual([at('in/l.nii'), at('in/m.nii')])
    const tsv = await findScans([at('in/l.tsv')], { suffix: 'T1w' }, new Terminal('silent'))
    expect(tsv).toEqual({ scans: csv.scans, labels: undefined, places: [undefined, undefined] })
    expect(await find(['in/l.tsv'], { participantLabel: ['02'] })).toEqual(['in/ü "c".nii'])
    await expect(find(['in/l.tsv'], { participantLabel: ['3'] })).rejects.toThrow(
      /l\.tsv: has no scan of sub-3, but of sub-01, sub-02$/,
    )
  })

  it.each([
    ['scan\nmissing.nii\n', /l\.tsv, line 2: .*missing\.nii: no such file$/],
    ['scan\tlabels\n\na.nii\tno.nii\n', /l\.tsv, line 3: .*no\.nii: no such file$/],
    ['file\na.nii\n', /l\.tsv: has no column scan or path; its first line must name the columns/],
    ['scan\n', /l\.tsv: lists no scan$/],
    ['scan\tage\na.nii\n', /l\.tsv, line 2: 1 cell for 2 columns$/],
    ['scan\tage\n\t3\n', /l\.tsv, line 2: scan is empty$/],
    ['scan\tscan\na.nii\ta.nii\n', /l\.tsv: two columns have the name "scan"$/],
    ['scan\n"a.nii\n', /l\.tsv, line 2: a quote is not closed/],
    ['scan\tlabels\na.nii\ta.nii\nb.nii\t\n', /b\.nii: has no labels, but other scans of the lists do/],
  ])('%j is refused', async (text, message) => {
    make('a.nii', 'b.nii')
    list('l.tsv', text)
    await expect(find(['l.tsv'])).rejects.toThrow(message)
  })
})

describe('a BIDS dataset', () => {
  const scans = [
    'ds/sub-01/anat/sub-01_T1w.nii.gz',
    'ds/sub-02/ses-1/anat/sub-02_ses-1_T1w.nii.gz',
    'ds/sub-02/ses-2/anat/sub-02_ses-2_T1w.nii.gz',
    'ds/sub-10/anat/sub-10_T1w.nii.gz',
  ]
  beforeEach(() => {
    make('ds/dataset_description.json', ...scans, 'ds/sub-01/anat/sub-01_T2w.nii.gz')
    make('ds/sub-01/anat/sub-01_T1w.json', 'ds/derivatives/sae/sub-01/anat/sub-01_desc-x_T1w.nii.gz')
    make('ds/sub-01/func/sub-01_T1w.nii.gz')
  })

  it('stands for its anatomical scans of one kind, without derivatives', async () => {
    expect(await find(['ds'])).toEqual(scans)
    expect(await find(['ds'], { suffix: 'T2w' })).toEqual(['ds/sub-01/anat/sub-01_T2w.nii.gz'])
  })

  it('can be cut to participants and sessions', async () => {
    expect(await find(['ds'], { participantLabel: ['01', 'sub-10'] })).toEqual([scans[0], scans[3]])
    expect(await find(['ds'], { session: ['2'] })).toEqual([scans[2]])
  })

  it('is refused if nothing is left', async () => {
    await expect(find(['ds'], { suffix: 'FLAIR' })).rejects.toThrow(
      /ds: this BIDS dataset has no scan sub-\*\/anat\/\*_FLAIR/,
    )
    await expect(find(['ds'], { participantLabel: ['03'] })).rejects.toThrow(/ds: has no scan of sub-03, but/)
    await expect(find(['ds'], { participantLabel: ['01'], session: ['9'] })).rejects.toThrow(
      /ds: has no scan of sub-01 in ses-9$/,
    )
    make('f/a.nii')
    await expect(find(['f'], { session: ['1'] })).rejects.toThrow(
      /^--session chooses from BIDS datasets, but none is given$/,
    )
  })
})
