/** Tables of scores: read as they were written, and two of them compared. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareScores, readScores } from '../../../src/cli/evaluate/comparison.js'
import { formatCsv, parseCsv } from '../../../src/cli/tables/csv.js'
import { signedRankP } from '../../../src/cli/evaluate/signed-rank.js'
import { median } from '../../../src/cli/tables/statistics.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-compare-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function write(name: string, ...rows: readonly (readonly [string, string, string | number])[]): string {
  const path = join(folder, name)
  writeFileSync(path, formatCsv([['scan', 'region', 'dice'], ...rows]))
  return path
}

describe('comma-separated values', () => {
  it('come back as they were written', () => {
    const names = ['plain', 'a,b', 'say "hi"', 'two\nlines', '', ' space ']
    const rows = names.map((name, i) => [name, i, i === 2 ? undefined : 'x'])
    const { columns, rows: read } = parseCsv(formatCsv([['name', 'n', 'last'], ...rows]), 'a.csv')
    expect(columns).toEqual(['name', 'n', 'last'])
    expect(read.map((row) => row.get('name'))).toEqual(names)
    expect(read.map((row) => row.get('last'))).toEqual(['x', 'x', '', 'x', 'x', 'x'])
  })

  it('may come from other programs: a mark of their coding, lines that end in CR and LF, none at the end', () => {
    const { columns, rows } = parseCsv('\uFEFFa,b\r\n1,"2"\r\n\r\n3,4', 'a.csv')
    expect(columns).toEqual(['a', 'b'])
    expect(rows.map((row) => [...row.values()])).toEqual([
      ['1', '2'],
      ['3', '4'],
    ])
  })

  it('are refused if a row is short or a column is there twice', () => {
    expect(() => parseCsv('a,b\n1\n', 'a.csv')).toThrow('a.csv, line 2: 1 cell for 2 columns')
    expect(() => parseCsv('a,a\n', 'a.csv')).toThrow('a.csv: two columns have the name "a"')
  })
})

describe('compareScores', () => {
  const scans = Array.from({ length: 8 }, (_, i) => `s${i}`)
  const scoreA = (i: number) => 0.5 + 0.03 * i
  const scoreB = (i: number) => scoreA(i) + [0.1, 0.02, -0.03, 0.04, 0.05, 0.06, -0.07, 0.08][i]!

  it('pairs scans by name, whatever their order, and names those without a partner', async () => {
    const a = write('a.csv', ...scans.map((scan, i) => [scan, 'pallidum', scoreA(i)] as const), [
      'x',
      'pallidum',
      1,
    ])
    const b = write(
      'b.csv',
      ...scans.map((scan, i) => [scan, 'pallidum', scoreB(i)] as const).reverse(),
      ...[['y', 'pallidum', 1] as const],
    )
    const comparison = compareScores(await readScores(a, 'dice'), await readScores(b, 'dice'), 'dice')
    expect(comparison).toMatchObject({ onlyInA: ['x'], onlyInB: ['y'] })
    const [pallidum] = comparison.regions
    expect(pallidum).toMatchObject({ region: 'pallidum', n: 8, better: 6, equal: 0 })
    expect(pallidum!.difference).toBeCloseTo(0.25 / 8, 12)
    // The two losses have ranks 2 and 6 of 8: W = 8, and 25 of the 256 ways to give ranks signs have a sum of 8 or less.
    expect(pallidum!.p).toBeCloseTo(50 / 256, 12)
    expect(comparison.overall.p).toBe(pallidum!.p)
  })

  it('leaves out a region that one model lacks on a scan, and counts lower distances as better', async () => {
    const path = join(folder, 'distance.csv')
    writeFileSync(path, 'scan,region,hd95_mm\ns,a,3\ns,b,\nt,a,2\nt,b,7\n')
    const other = join(folder, 'distance-b.csv')
    writeFileSync(other, 'scan,region,hd95_mm\ns,a,1\ns,b,1\nt,a,2\nt,b,8\n')
    const comparison = compareScores(await readScores(path, 'hd95'), await readScores(other, 'hd95'), 'hd95')
    expect(comparison.regions).toMatchObject([
      { region: 'a', n: 2, better: 1, equal: 1, difference: -1, p: NaN },
      { region: 'b', n: 1, better: 0, equal: 0, difference: 1, p: NaN },
    ])
    expect(comparison.overall).toMatchObject({ n: 2, meanA: (3 + 4.5) / 2, meanB: (1 + 5) / 2 })
  })

  it('refuses tables of other things', async () => {
    const a = write('twice.csv', ['s', 'a', 1], ['s', 'a', 2])
    await expect(readScores(a, 'dice')).rejects.toThrow('twice.csv: row 3: "a" of "s" is there a second time')
    await expect(readScores(a, 'vs')).rejects.toThrow(
      'no column "vs"; give a table that sae evaluate --csv wrote',
    )
    await expect(readScores(write('empty.csv'), 'dice')).rejects.toThrow(
      /empty\.csv: has no rows; give a table/,
    )
    await expect(readScores(write('none.csv', ['s', 'a', ''], ['t', 'a', '']), 'dice')).rejects.toThrow(
      /none\.csv: holds no dice; evaluate with --metrics dice$/,
    )
    const image = join(folder, 'image.nii.gz')
    writeFileSync(image, gzipSync('"\0'))
    await expect(readScores(image, 'dice')).rejects.toThrow(
      /image\.nii\.gz: is not a table, but a binary file/,
    )
    const b = write('text.csv', ['s', 'a', 'good'])
    await expect(readScores(b, 'dice')).rejects.toThrow('text.csv: row 2: "good" is not a score')
    const [c, d] = [write('c.csv', ['s', 'a', 1]), write('d.csv', ['t', 'a', 1])]
    const tables = [await readScores(c, 'dice'), await readScores(d, 'dice')] as const
    expect(() => compareScores(...tables, 'dice')).toThrow(
      /have no scan in common \("s" and "t", for example\)/,
    )
  })
})

describe('statistics', () => {
  it('has the median between the two values in the middle', () => {
    expect(median([5, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 10])).toBe(3)
  })

  const missing = spawnSync('python3', ['-c', 'import scipy.stats']).status !== 0
  if (missing) console.warn('SKIPPED: no python3 with SciPy to compare the signed-rank test with')

  it.skipIf(missing)("has SciPy's p of pairs", () => {
    const x = Array.from({ length: 11 }, (_, i) => Math.sin(i * 1.7))
    const y = x.map((value, i) => value + 0.4 + Math.cos(i * 2.3))
    const script =
      'import json,sys; from scipy.stats import wilcoxon; print(wilcoxon(*json.load(sys.stdin)).pvalue)'
    const expected = execFileSync('python3', ['-c', script], { input: JSON.stringify([x, y]) })
    expect(signedRankP(x, y)).toBeCloseTo(Number(expected), 10)
  })
})
