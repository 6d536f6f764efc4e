import type { Gpu } from '../gpu/gpu.js'
import type { Value } from '../graph/value.js'
import { compile, type CompileOptions } from '../plan/compile.js'
import type { Plan } from '../plan/plan.js'

/** A graph to be compiled. */
export interface Draft<Graph> {
  readonly graph: Graph
  readonly options: CompileOptions
  /** Inputs that stay as they are in every run. */
  readonly constants: readonly (readonly [Value, Float32Array])[]
}

/** Compiles a draft and writes its constants. */
export async function compileDraft<Graph>(
  gpu: Gpu,
  { graph, options, constants }: Draft<Graph>,
): Promise<Compiled<Graph>> {
  const plan = await compile(gpu, options)
  for (const [value, data] of constants) if (plan.reads(value)) plan.write(value, data)
  return { plan, graph }
}

/** A compiled graph with the graph's values at hand. */
export interface Compiled<Graph> {
  readonly plan: Plan
  readonly graph: Graph
}

/** The device memory of something compiled ahead of its use. */
export interface Preparation {
  /** Bytes of device memory, weights and the optimiser's state included. */
  readonly bytes: number
  /** Slabs along depth in which the large part of the work is done; 1 if all of it is done at once. */
  readonly slabs: number
  /** Planes of a slab; undefined if all is done at once. */
  readonly slabPlanes: number | undefined
  /** How long compiling took. */
  readonly seconds: number
}

/** Bounds on the device memory of a run: everything included, such as weights and the optimiser's state. */
export interface MemoryOptions {
  /** Hard limit in bytes; compiling fails if the graph does not fit. Default: about 1.5e9, exceeded if necessary. */
  readonly memoryLimit?: number | undefined
}

/** One plan per batch size, made when first needed: the last batch of an epoch may be smaller than the others. */
export class PlanByBatch<Graph> {
  private readonly plans = new Map<number, Compiled<Graph>>()

  /** @param single keep only the last plan used: a memory limit applies to all plans together */
  constructor(
    private readonly make: (batch: number) => Promise<Compiled<Graph>>,
    private readonly single: boolean,
  ) {}

  async get(batch: number): Promise<Compiled<Graph>> {
    let compiled = this.plans.get(batch)
    if (!compiled) {
      if (this.single) this.dispose()
      compiled = await this.make(batch)
      await compiled.plan.warmUp()
      this.plans.set(batch, compiled)
    }
    return compiled
  }

  /** Makes the plans for these sizes in advance, the largest first; only the largest if a single plan is kept. */
  async prepare(sizes: readonly number[]): Promise<Preparation> {
    const start = performance.now()
    const plans: Plan[] = []
    for (const size of this.single ? sizes.slice(0, 1) : sizes) plans.push((await this.get(size)).plan)
    return preparationOf(plans, start)
  }

  /** The plan of the largest batch; undefined if there is none yet. */
  get largest(): Plan | undefined {
    return this.plans.get(Math.max(...this.plans.keys()))?.plan
  }

  dispose(): void {
    for (const { plan } of this.plans.values()) plan.dispose()
    this.plans.clear()
  }
}

/** The memory of plans that share their variables, the largest first. @param start of compiling, by `performance` */
export function preparationOf(plans: readonly Plan[], start: number): Preparation {
  const { slabs, slabPlanes } = plans[0]!
  const own = plans.reduce((sum, { bytes }) => sum + bytes, 0)
  const beside = Math.max(...plans.map(({ extraBytes }) => extraBytes))
  return { bytes: own + beside, slabs, slabPlanes, seconds: (performance.now() - start) / 1000 }
}
