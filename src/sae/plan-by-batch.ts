import type { Plan } from '../autograd/plan.js'

/** A compiled graph with the graph's values at hand. */
export interface Compiled<Graph> {
  readonly plan: Plan
  readonly graph: Graph
}

/** One plan per batch size, made when first needed: the last batch of an epoch may be smaller than the others. */
export class PlanByBatch<Graph> {
  private readonly plans = new Map<number, Compiled<Graph>>()

  constructor(private readonly make: (batch: number) => Promise<Compiled<Graph>>) {}

  async get(batch: number): Promise<Compiled<Graph>> {
    let compiled = this.plans.get(batch)
    if (!compiled) {
      compiled = await this.make(batch)
      this.plans.set(batch, compiled)
    }
    return compiled
  }

  dispose(): void {
    for (const { plan } of this.plans.values()) plan.dispose()
    this.plans.clear()
  }
}
