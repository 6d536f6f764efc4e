import { bindingAlignment, wholeVectors } from '../gpu/alignment.js'
import type { Kernel } from '../gpu/pipeline-cache.js'
import { placeOf } from '../graph/layer.js'
import { paramsBytes } from './memory-need.js'
import type { Dispatch } from './dispatch.js'
import type { ScheduledCall } from './calls.js'
import { Shortage } from './shortage.js'
import type { Stored } from './storage.js'
import type { Value } from '../graph/value.js'
import { workgroupsOf } from './workgroups.js'

/**
 * Makes the bind groups of every call, and writes the parameters of all calls to the uniform buffer `params`.
 *
 * @throws UserError if a value must be bound whole and is too large for the device
 * @throws Error if a call does not match the bindings and parameters of its shader
 */
export function bindCalls(
  device: GPUDevice,
  calls: readonly ScheduledCall[],
  kernels: readonly Kernel[],
  stored: Stored,
  params: GPUBuffer,
  bufferOf: (value: Value) => GPUBuffer,
): Dispatch[] {
  const data = new DataView(new ArrayBuffer(paramsBytes(calls)))
  const dispatches = calls.map((call, i) => {
    const { pipeline, layout, code, interface: declared } = kernels[i]!
    const entries = declared.bindings.map(({ name, index, unsigned }): GPUBindGroupEntry => {
      if (name === 'params') {
        return {
          binding: index,
          resource: { buffer: params, offset: i * bindingAlignment, size: bindingAlignment },
        }
      }
      const window = call.bindings[name]
      if (!window) throw new Error(`${call.shader.name}: nothing is bound to ${name}`)
      const { value, end } = window
      if ((value.dtype === 'u32') !== unsigned) {
        throw new Error(
          `${call.shader.name}: ${name} cannot be ${value.name}, whose elements are ${value.dtype}`,
        )
      }
      const origin = call.origins.get(value) ?? 0
      const bytes = stored.elementBytes(value)
      const start = alignedStart(window.start - origin, stored.alignment(value))
      // Buffers and bindings are multiples of 16 bytes, because a kernel may read a vec4 that reaches beyond the end.
      const size = wholeVectors((end - origin - start) * bytes)
      const limit = device.limits.maxStorageBufferBindingSize
      if (size > limit) {
        throw new Shortage(
          (saving) =>
            `${placeOf(call)}: ${value.name} [${value.shape.join(', ')}]: ${size} bytes are needed in one binding, more than the ${limit} that this device can bind; use fewer channels, ${saving} or another adapter`,
        )
      }
      return { binding: index, resource: { buffer: bufferOf(value), offset: start * bytes, size } }
    })
    for (const name of Object.keys(call.bindings)) {
      if (!declared.bindings.some((binding) => binding.name === name))
        throw new Error(`${call.shader.name} has no binding ${name}`)
    }
    writeParams(data, i * bindingAlignment, call, declared.params, stored)
    const bindGroup = device.createBindGroup({ label: call.shader.name, layout, entries })
    return {
      op: call.op,
      shader: call.shader.name,
      mutates: call.mutates,
      call,
      bindings: declared.bindings,
      code,
      pipeline,
      bindGroup,
      workgroups: workgroupsOf(call, declared.workgroupSize),
    }
  })
  device.queue.writeBuffer(params, 0, data.buffer)
  return dispatches
}

function alignedStart(element: number, alignment: number): number {
  return element - (element % alignment)
}

function writeParams(
  view: DataView,
  at: number,
  { shader, params, bindings, origins }: ScheduledCall,
  fields: Kernel['interface']['params'],
  stored: Stored,
): void {
  const values: Record<string, number> = { ...params }
  for (const [name, window] of Object.entries(bindings)) {
    const origin = origins.get(window.value) ?? 0
    const base = origin + alignedStart(window.start - origin, stored.alignment(window.value))
    if (fields.some((field) => field.name === `${name}_base`)) values[`${name}_base`] = base
    // A kernel without a base indexes its window from 0, which is correct only if the window is aligned.
    else if (base !== window.start) throw new Error(`${shader.name}: the window of ${name} is not aligned`)
  }
  for (const name of Object.keys(values)) {
    if (!fields.some((field) => field.name === name))
      throw new Error(`${shader.name} has no parameter ${name}`)
  }
  if (fields.length * 4 > bindingAlignment) throw new Error(`${shader.name}: too many parameters`)
  fields.forEach(({ name, type }, i) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${shader.name}: parameter ${name} is not given`)
    if (type === 'f32') view.setFloat32(at + 4 * i, value, true)
    else if (type === 'i32') view.setInt32(at + 4 * i, value, true)
    else view.setUint32(at + 4 * i, value, true)
  })
}
