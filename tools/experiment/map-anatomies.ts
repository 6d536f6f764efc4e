import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLabels, readScan } from '../../src/cli/inputs/inputs.js'
import { anatomyOfCodes, type Anatomy } from '../../src/cli/synth/synth-anatomy.js'
import { subsample } from '../../src/cli/grids/subsample.js'
import { Terminal } from '../../src/cli/terminal.js'
import { UserError } from '../../src/errors.js'
import { requireSameGrid } from '../../src/io/volume.js'
import { joinChannels } from '../../src/sae/channels.js'
import { freeSurferTable } from '../../src/sae/labels/freesurfer-table.js'
import { toClasses } from '../../src/sae/labels/label-codes.js'
import { Random } from '../../src/sae/phantom/random.js'
import type { SpatialShape } from '../../src/sae/shape.js'
import { affine, compose, diagonal, type Affine } from '../../src/sae/synth/affine.js'
import { Deformation } from '../../src/sae/synth/deformation.js'
import {
  contrastModel,
  jitterMeans,
  type Contrast,
  type IntensityModel,
} from '../../src/sae/synth/intensities.js'
import { Synthesiser } from '../../src/sae/synth/synthesiser.js'
import { regionOf } from '../../src/sae/synth/tissues.js'
import { warpLabels } from '../../src/sae/synth/warp.js'
import { alignment, centroidsOf, type Centroids } from './alignment.js'
import type { Anatomies, Subject } from './anatomies.js'
import { seedOf } from './digest.js'
import type { MapSource, SubjectDescription, SynthesisDescription } from './study.js'

/** The folder of real data: the environment variable SAE_DATA, else ../shared/data next to the repository. */
const dataFolder = process.env.SAE_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** The path of a file of real data. @throws UserError if it does not exist */
export function dataFile(name: string): string {
  const path = join(dataFolder, name)
  if (existsSync(path)) return path
  throw new UserError(`${path}: no such file; set SAE_DATA to the folder of data that holds ${name}`)
}

const warnings = new Terminal('quiet')

/** A label map as read: its anatomy, and the positions of its structures. */
interface ReadMap {
  readonly anatomy: Anatomy
  readonly centroids: Centroids
}

/** Label maps of a folder. Reading one takes seconds, so cohorts share them. */
export class MapFolder {
  private readonly maps = new Map<string, Promise<ReadMap>>()

  read(name: string): Promise<ReadMap> {
    const known = this.maps.get(name) ?? this.readNow(name)
    this.maps.set(name, known)
    return known
  }

  private async readNow(name: string): Promise<ReadMap> {
    const volume = await readLabels(dataFile(name), warnings)
    return {
      anatomy: anatomyOfCodes(volume, freeSurferTable, name, regionOf),
      centroids: centroidsOf(volume, freeSurferTable),
    }
  }
}

/** Label maps aligned to a reference, on every n-th voxel of its grid, and synthetic scans made from them. */
export class MapAnatomies implements Anatomies {
  readonly table = freeSurferTable
  readonly shape: SpatialShape
  /** The reference's voxels are 1 mm wide. */
  readonly spacing: number
  readonly contrasts: readonly Contrast[]

  private constructor(
    private readonly folder: MapFolder,
    private readonly reference: ReadMap,
    private readonly every: number,
    private readonly scans: SynthesisDescription | undefined,
  ) {
    const [D, H, W] = reference.anatomy.grid.shape
    this.shape = [Math.ceil(D / every), Math.ceil(H / every), Math.ceil(W / every)]
    this.spacing = every
    this.contrasts = [scans?.contrast ?? []].flat()
  }

  /** @throws UserError if the reference cannot be read */
  static async open(
    folder: MapFolder,
    { reference, scans }: MapSource,
    every: number,
  ): Promise<MapAnatomies> {
    return new MapAnatomies(folder, await folder.read(reference), every, scans)
  }

  async labels(name: string): Promise<Uint8Array> {
    const { anatomy, placement } = await this.place(name)
    const painted = warpLabels(anatomy.classes, new Deformation(anatomy.shape, this.shape, placement))
    return painted.map((c) => anatomy.truth[c]!)
  }

  async subject(description: SubjectDescription): Promise<Subject> {
    if (typeof description === 'string') return this.synthesise(description, 0)
    const { every, table } = this
    const scan = await readScan(dataFile(description.scan), description.intensities ?? 'robust', warnings)
    const truth = await readLabels(dataFile(description.truth), warnings)
    const reference = { ...truth, grid: this.reference.anatomy.grid, source: 'the reference' }
    requireSameGrid(scan, truth, 'the scan and its truth')
    requireSameGrid(scan, reference, 'the scan and the reference')
    return {
      name: description.scan,
      data: subsample(scan, every).data,
      truth: toClasses(subsample(truth, every).data, table, truth.source),
    }
  }

  async training(names: readonly string[], count: number): Promise<Subject[]> {
    const subjects: Subject[] = []
    for (let i = 0; i < count; i++) subjects.push(await this.synthesise(names[i % names.length]!, i + 1))
    return subjects
  }

  /** @param draw 0 for a test subject, others for training */
  private async synthesise(name: string, draw: number): Promise<Subject> {
    if (!this.scans) throw new UserError('the study needs "scans" to make scans from label maps')
    const { jitter = 0.03, seed, ...options } = this.scans
    const { anatomy, placement } = await this.place(name)
    const { classes, shape, truth, painted } = anatomy
    const look =
      (contrast: Contrast) =>
      (random: Random): IntensityModel =>
        jitterMeans(contrastModel(contrast, painted, random), random, jitter)
    const [first, ...others] = this.contrasts
    const synthesiser = new Synthesiser({
      ...options,
      sources: [{ classes, shape, truth, placement }],
      intensities: look(first!),
      otherContrasts: others.map(look),
      shape: this.shape,
      spacing: [this.spacing, this.spacing, this.spacing],
    })
    const scans = synthesiser.drawContrasts(new Random(seedOf(seed, name, draw)))
    const data = joinChannels(scans.map(({ scan }) => scan))
    return { name: draw === 0 ? name : `${name} (${draw})`, data, truth: scans[0]!.labels }
  }

  /** A map's anatomy, and the affine map from the study's voxels to its own. */
  private async place(name: string): Promise<{ anatomy: Anatomy; placement: Affine }> {
    const { anatomy, centroids } = await this.folder.read(name)
    const { every } = this
    const [d, h, w] = anatomy.box.start
    const toReference = affine(diagonal([every, every, every]), [0, 0, 0])
    const toMap = compose(alignment(this.reference.centroids, centroids, name), toReference)
    return { anatomy, placement: compose(affine(diagonal([1, 1, 1]), [-d, -h, -w]), toMap) }
  }
}
