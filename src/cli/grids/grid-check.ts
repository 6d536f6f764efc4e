import { UserError } from '../../errors.js'
import { describeAxes, fitOf, reorientGrid } from '../../io/orientation.js'
import {
  formatShape,
  PLACEMENT_TOLERANCE,
  placementDistance,
  voxelSize,
  type VolumeHeader,
} from '../../io/volume.js'
import { startOf, turnOnto, type Placement } from './placement.js'
import { overlap } from './regrid.js'
import { sampledGrid } from './subsample.js'
import type { Terminal } from '../terminal.js'

type Placed = Pick<VolumeHeader, 'grid' | 'source'>

/** Two files whose voxels are to be paired. */
interface Pair {
  /** What they are to each other: `the prior and the scan`. */
  readonly what: string
  readonly file: Placed
  readonly reference: Placed
}

interface Apart extends Pair {
  /** In millimetres. */
  readonly distance: number
}

/** What is done about files on different grids. */
export interface GridOptions {
  /** Pair voxels by their indices, whatever the headers say. */
  readonly matchByIndex: boolean
  /** Resample what does not fit. Undefined for a command that has no such option. */
  readonly resample: boolean | undefined
}

/** Compares the grids of a run's files by their headers, and says once what there is to say of all of them. */
export class GridCheck {
  private readonly shapes: Pair[] = []
  private readonly apart: Apart[] = []
  private readonly rounded: Apart[] = []
  private readonly turned: Pair[] = []
  private readonly resampled: Pair[] = []
  private readonly disjoint: Pair[] = []
  private readonly silent = new Set<string>()
  private readonly byIndex: boolean

  constructor(private readonly options: GridOptions) {
    this.byIndex = options.matchByIndex
  }

  /**
   * How every n-th voxel of a file comes onto a reference grid. Where they do not fit, `conclude` says so; with
   * `resample`, the file comes onto the reference grid as it is.
   *
   * @param what what the reference and the file are to each other: `the prior and the scan`
   */
  match(file: Placed, reference: Placed, what: string, every = 1): Placement {
    const pair = { what, file, reference }
    const unknown = [file, reference].filter(({ grid }) => !grid.known)
    const orientation = this.byIndex || unknown.length > 0 ? undefined : turnOnto(file.grid, reference.grid)
    const turned = orientation ? reorientGrid(file.grid, orientation) : file.grid
    const start =
      this.byIndex || unknown.length > 0 || every === 1 ? origin : startOf(turned, reference.grid, every)
    const thinned = every === 1 ? turned : sampledGrid(turned, every, start)
    const fit = fitOf(thinned, reference.grid)
    const fits = fit.kind === 'unknown' || (fit.kind === 'placed' && fit.coincide)
    if (!fits && this.options.resample && unknown.length === 0) return this.across(pair)
    if (fit.kind === 'shape') this.misfit(pair, every)
    else if (fit.kind === 'unknown') for (const { source } of unknown) this.silent.add(source)
    else if (!fit.coincide) this.apart.push({ ...pair, distance: fit.distance })
    else {
      if (fit.distance > PLACEMENT_TOLERANCE) this.rounded.push({ ...pair, distance: fit.distance })
      if (orientation) this.turned.push(pair)
    }
    return { orientation, every, start }
  }

  private across(pair: Pair): Placement {
    const [from, onto] = [pair.file.grid, pair.reference.grid]
    if (overlap(from, onto)) this.resampled.push(pair)
    else this.disjoint.push(pair)
    return { orientation: undefined, across: { from, onto }, every: 1, start: origin }
  }

  /** Grids with other numbers of voxels; if only the directions of axes make them so, the places are at fault. */
  private misfit(pair: Pair, every: number): void {
    const { file, reference } = pair
    const as = every === 1 ? file.grid : sampledGrid(file.grid, every)
    if (formatShape(as.shape) === formatShape(reference.grid.shape)) {
      const distance = placementDistance(as.affine, reference.grid.affine, as.shape)
      this.apart.push({ ...pair, distance })
    } else this.shapes.push({ ...pair, file: { ...file, grid: as } })
  }

  /** @throws UserError naming every file that does not fit */
  conclude(terminal: Terminal): void {
    const faults = [
      ...byPartner(this.disjoint).map(describeDisjoint),
      ...byPartner(this.shapes).map((pairs) => `${describeShapes(pairs)}; ${this.remedyFor(pairs)}`),
      ...(this.byIndex
        ? []
        : byPartner(this.apart).map(
            (pairs) => `${describeApart(pairs)}; ${this.remedy}, or ${byIndexRemedy}`,
          )),
    ]
    if (faults.length > 0) throw new UserError(faults.join('; '))
    for (const pairs of byPartner(this.byIndex ? this.apart : []))
      terminal.warn(`${describeApart(pairs)}; voxels are paired by index`)
    for (const pairs of byPartner(this.rounded))
      terminal.warn(`${describeApart(pairs)}, less than a tenth of a voxel; that is taken for rounding`)
    for (const pairs of byPartner(this.turned)) {
      const { reference } = pairs[0]
      const files = pairs.map(({ file }) => `${file.source} (${describeAxes(file.grid)})`)
      terminal.note(
        `${files.join(', ')}: reoriented as ${reference.source} (${describeAxes(reference.grid)}); what is written of a file lies as the file does`,
      )
    }
    for (const pairs of byPartner(this.resampled)) {
      const { reference } = pairs[0]
      const files = pairs.map(({ file }) => describeGrid(file))
      terminal.note(
        `${files.join(', ')}: resampled onto the grid of ${describeGrid(reference)} by the headers`,
      )
    }
    if (this.silent.size > 0 && !this.byIndex) {
      const [says, its] = this.silent.size === 1 ? ['says', 'its'] : ['say', 'their']
      terminal.warn(
        `${[...this.silent].join(', ')}: ${says} nothing of ${its} orientation; voxels are paired by index, as if all axes ran the same way`,
      )
    }
  }

  private get remedy(): string {
    const by = this.options.resample === undefined ? 'sae resample' : '--resample, or sae resample'
    return `resample one onto the grid of the other (${by})`
  }

  private remedyFor(pairs: readonly Pair[]): string {
    const unknown = pairs.flatMap(({ file, reference }) => [file, reference]).find(({ grid }) => !grid.known)
    return unknown
      ? `${unknown.source} does not say where its voxels lie, so nothing can be resampled; give a NIfTI file that does`
      : this.remedy
  }
}

const origin = [0, 0, 0] as const

const byIndexRemedy = 'give --match-by-index if the headers are wrong'

/** Pairs of one kind with one reference, together. */
function byPartner<P extends Pair>(pairs: readonly P[]): [P, ...P[]][] {
  const groups = new Map<string, [P, ...P[]]>()
  for (const pair of pairs) {
    const key = `${pair.what}\n${pair.reference.source}`
    const group = groups.get(key)
    if (group) group.push(pair)
    else groups.set(key, [pair])
  }
  return [...groups.values()]
}

function describeShapes(pairs: readonly [Pair, ...Pair[]]): string {
  const [{ what, reference }] = pairs
  const files = [...pairs.map(({ file }) => file), reference].map(
    ({ source, grid }) => `${source} is ${formatShape(grid.shape)}`,
  )
  return `${what} differ in shape: ${files.join(', ')}`
}

function describeApart(pairs: readonly [Apart, ...Apart[]]): string {
  const [{ what, reference }] = pairs
  const files = pairs.map(({ file, distance }) => `${file.source} up to ${distance.toFixed(2)} mm`)
  return `${what} do not lie in one place: by the headers, voxels of ${files.join(', of ')} from those of ${reference.source}`
}

function describeDisjoint(pairs: readonly [Pair, ...Pair[]]): string {
  const [{ what, reference }] = pairs
  const files = pairs.map(({ file }) => file.source)
  return `${what} do not overlap: by the headers, ${files.join(', ')} and ${reference.source} share no place`
}

/** `scan.nii.gz (256x256x60 voxels of 1 x 1 x 3 mm, LIA)` */
function describeGrid({ source, grid }: Placed): string {
  const size = voxelSize(grid.affine).map((length) => Number(length.toPrecision(3)))
  return `${source} (${formatShape(grid.shape)} voxels of ${size.join(' x ')} mm, ${describeAxes(grid)})`
}
