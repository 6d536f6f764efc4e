import type { BindingDeclaration } from '../gpu/shader.js'
import type { ScheduledCall } from './calls.js'

/** A dispatch ready to be encoded. */
export interface Dispatch {
  /** The op that it belongs to. */
  readonly op: string
  /** The shader that it runs. */
  readonly shader: string
  /** Whether it changes variables. */
  readonly mutates: boolean
  /** The call that it encodes. */
  readonly call: ScheduledCall
  /** The bindings of its specialised shader. */
  readonly bindings: readonly BindingDeclaration[]
  /** Its specialised WGSL. */
  readonly code: string
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
  readonly workgroups: readonly [number, number, number]
}

/** Encodes dispatches into a pass, in order. */
export function encodeDispatches(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  for (const { pipeline, bindGroup, workgroups } of dispatches) {
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindGroup)
    pass.dispatchWorkgroups(...workgroups)
  }
}
