import type { CompileOptions } from '../../src/plan/compile.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { withBindingLimit, withOtherTiles, withoutSubgroups } from '../gpu.js'

/** A way in which a graph may come to run on a user's device. */
export interface Configuration {
  readonly name: string
  readonly options: Pick<CompileOptions, 'slabPlanes'>
  /** Runs `body` as if the device were so. */
  readonly on: <T>(gpu: Gpu, body: () => Promise<T>) => Promise<T>
}

const asItIs: Configuration['on'] = (_, body) => body()

/** All of which must reproduce PyTorch's tensors. */
export const configurations: readonly Configuration[] = [
  { name: 'as this device runs it', options: {}, on: asItIs },
  { name: 'slab by slab, four planes each', options: { slabPlanes: 4 }, on: asItIs },
  { name: 'windows of 1 MiB', options: {}, on: (gpu, body) => withBindingLimit(gpu, 2 ** 20, body) },
  { name: 'tiles of the other kind of device', options: {}, on: withOtherTiles },
  { name: 'without subgroups', options: {}, on: withoutSubgroups },
]
