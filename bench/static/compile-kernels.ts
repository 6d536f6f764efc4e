// The child process of bench/static.ts: compiles every kernel of an SAE step for a GPU that is absent and runs none. The
// driver writes statistics and machine code to stderr; a line before each kernel says whose they are. Prints a `Compiled`.
import { writeSync } from 'node:fs'
import { openGpu } from '../../src/node/index.js'
import { draftOf } from '../../src/plan/draft.js'
import { workgroupsOf } from '../../src/plan/workgroups.js'
import type { Kernel } from '../../src/gpu/pipeline-cache.js'
import { provenance, type Provenance } from '../harness.js'
import { extentsOf, saeStep } from '../sae-step.js'
import { bytesOf, productsOf, type Products } from './work.js'

/** Starts the line before the driver's output for a kernel; its number follows. */
export const marker = '=== kernel '

/** A dispatch of the step, as far as it is known before it runs. */
export interface StaticDispatch {
  readonly op: string
  /** The layer that it belongs to; empty if none. */
  readonly layer: string
  /** Number of its kernel, in the order of compilation. */
  readonly kernel: number
  readonly bytes: number
  readonly invocations: number
  readonly products: Products | undefined
}

/** What the child process prints. */
export interface Compiled {
  readonly where: Provenance
  /** The shader of each kernel. */
  readonly kernels: readonly string[]
  readonly dispatches: readonly StaticDispatch[]
}

if (process.argv[1] === import.meta.filename) await main()

async function main(): Promise<void> {
  const [size] = process.argv.slice(2) as [string]
  const gpu = await openGpu({ adapter: 'Null hardware' })
  const { calls, schedule } = await draftOf(gpu, saeStep(extentsOf(size)).request)
  const numbers = new Map<Kernel, number>()
  const kernels: string[] = []
  const dispatches: StaticDispatch[] = []
  for (const call of calls) {
    writeSync(2, `\n${marker}${numbers.size}\n`)
    const kernel = await gpu.pipelines.get(call)
    const number = numbers.get(kernel) ?? numbers.size
    if (!numbers.has(kernel)) kernels.push(call.shader.name)
    numbers.set(kernel, number)
    const groups = workgroupsOf(call, kernel.interface.workgroupSize)
    const invocations = [...groups, ...kernel.interface.workgroupSize!].reduce((a, b) => a * b)
    dispatches.push({
      op: call.op,
      layer: call.layer ?? '',
      kernel: number,
      bytes: bytesOf(call, kernel.interface.bindings, schedule.stored),
      invocations,
      products: productsOf(call, invocations),
    })
  }
  const compiled: Compiled = { where: provenance(gpu), kernels, dispatches }
  writeSync(1, JSON.stringify(compiled))
  // The device has no memory to give back, and closing it crashes some drivers.
  process.exit(0)
}
