import type { Gpu } from '../../gpu/gpu.js'
import { input, type Value } from '../../graph/value.js'
import type { Network } from '../../nn/index.js'
import { argmaxOnly } from '../../ops/index.js'
import { compile, type CompileOptions } from '../../plan/compile.js'
import type { Plan } from '../../plan/plan.js'
import type { DispatchRow } from '../../plan/describe.js'
import type { Precision } from '../../plan/storage.js'
import { profiled } from '../../plan/profiled.js'
import { requireFiniteScan } from '../require-finite-scan.js'
import { preparationOf, type MemoryOptions, type Preparation } from '../plan-by-batch.js'
import type { SpatialShape } from '../shape.js'

/** Bounds on the memory of a `VolumeLabeller`. */
export interface LabellerOptions extends MemoryOptions {
  /** Hard limit in bytes; compiling fails if the network does not fit. Default: about 2e9, exceeded if necessary. */
  readonly memoryLimit?: number | undefined
  /** How intermediate volumes are stored; f16 takes about half the memory. Default f32. */
  readonly precision?: Precision
}

/**
 * Device memory if no limit is given. MindGrab at 256x256x256 then runs in slabs of 64 planes; in the 8 that fit into
 * 1.5e9 it takes longer, because the planes that the next slab reads too are most of a strip and have to be moved.
 */
const defaultTarget = 2e9

/** Labels volumes of one shape with a network that has weights already, such as `meshNet`: its most probable class. */
export class VolumeLabeller {
  private constructor(
    /** Its device memory and slabs. */
    readonly preparation: Preparation,
    private readonly plan: Plan,
    private readonly scan: Value,
    private readonly labels: Value,
  ) {}

  /** @throws UserError if there is not enough memory */
  static async create(
    gpu: Gpu,
    network: Network,
    shape: SpatialShape,
    options: LabellerOptions = {},
  ): Promise<VolumeLabeller> {
    const start = performance.now()
    const { scan, labels, request } = labelling(network, shape, options)
    const plan = await compile(gpu, request)
    try {
      await plan.warmUp()
    } catch (error) {
      plan.dispose()
      throw error
    }
    return new VolumeLabeller(preparationOf([plan], start), plan, scan, labels)
  }

  /**
   * @param scan [D, H, W], scaled as the network wants it
   * @returns the most probable class of each voxel, [D, H, W]
   * @throws UserError if it holds a NaN or an infinity
   * @throws Error if it has another number of voxels
   */
  async label(scan: Float32Array): Promise<Uint8Array> {
    requireFiniteScan('scan', scan)
    this.plan.write(this.scan, scan)
    await this.plan.run()
    return Uint8Array.from(await this.plan.readUint(this.labels))
  }

  /** The dispatches of labelling a scan, timed on the device with the last one. @throws Error if it has no timestamps */
  profile(): Promise<DispatchRow[]> {
    return profiled(this.plan)
  }

  /** Releases the plan. */
  dispose(): void {
    this.plan.dispose()
  }
}

/**
 * The graph of labelling a volume, and how it is compiled.
 *
 * @internal used by `VolumeLabeller`, and by tests that look at its memory without running it
 */
export function labelling(
  network: Network,
  shape: SpatialShape,
  { memoryLimit, precision = 'f32' }: LabellerOptions = {},
): { readonly scan: Value; readonly labels: Value; readonly request: CompileOptions } {
  const scan = input('scan', [1, 1, ...shape])
  const labels = argmaxOnly(network(scan))
  return {
    scan,
    labels,
    request: { outputs: [labels], memoryLimit, memoryTarget: defaultTarget, storage: precision },
  }
}
