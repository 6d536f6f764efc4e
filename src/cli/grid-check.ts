import { UserError } from '../errors.js'
import { describeAxes, fitOf, reorientGrid } from '../io/orientation.js'
import { formatShape, PLACEMENT_TOLERANCE, placementDistance, type VolumeHeader } from '../io/volume.js'
import { startOf, turnOnto, type Placement } from './placement.js'
import { sampledGrid } from './subsample.js'
import type { Terminal } from './terminal.js'

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

/** Compares the grids of a run's files by their headers, and says once what there is to say of all of them. */
export class GridCheck {
  private readonly shapes: Pair[] = []
  private readonly apart: Apart[] = []
  private readonly rounded: Apart[] = []
  private readonly turned: Pair[] = []
  private readonly silent = new Set<string>()

  /** @param byIndex pair voxels by their indices, whatever the headers say */
  constructor(private readonly byIndex: boolean) {}

  /**
   * How every n-th voxel of a file comes onto a reference grid. Where they do not fit, `conclude` says so.
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
    if (fit.kind === 'shape') this.misfit(pair, every)
    else if (fit.kind === 'unknown') for (const { source } of unknown) this.silent.add(source)
    else if (!fit.coincide) this.apart.push({ ...pair, distance: fit.distance })
    else {
      if (fit.distance > PLACEMENT_TOLERANCE) this.rounded.push({ ...pair, distance: fit.distance })
      if (orientation) this.turned.push(pair)
    }
    return { orientation, every, start }
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
      ...byPartner(this.shapes).map(describeShapes),
      ...(this.byIndex ? [] : byPartner(this.apart).map((pairs) => `${describeApart(pairs)}; ${remedy}`)),
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
    if (this.silent.size > 0 && !this.byIndex) {
      const [says, its] = this.silent.size === 1 ? ['says', 'its'] : ['say', 'their']
      terminal.warn(
        `${[...this.silent].join(', ')}: ${says} nothing of ${its} orientation; voxels are paired by index, as if all axes ran the same way`,
      )
    }
  }
}

const origin = [0, 0, 0] as const

const remedy =
  'resample one onto the grid of the other (nibabel.processing.resample_from_to does it), or give --match-by-index if the headers are wrong'

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
  return `${what} differ in shape: ${files.join(', ')}; resample one onto the grid of the other`
}

function describeApart(pairs: readonly [Apart, ...Apart[]]): string {
  const [{ what, reference }] = pairs
  const files = pairs.map(({ file, distance }) => `${file.source} up to ${distance.toFixed(2)} mm`)
  return `${what} do not lie in one place: by the headers, voxels of ${files.join(', of ')} from those of ${reference.source}`
}
