/**
 * sae-webgpu: a small engine for 3-D networks on WebGPU, and the Segmentation Auto-Encoder trained with it.
 *
 * Runs in Node (open a device with `openGpu` of `sae-webgpu/node`), in browsers (`openDevice`), and on a device that
 * the program already has (`useDevice`). docs/embedding.md shows it in a program of your own.
 */
export { UserError } from './errors.js'
export { DeviceLostError } from './gpu/device-lost.js'

export { Gpu, type AdapterSummary, type GpuOptions, type Wait } from './gpu/gpu.js'
export type { BufferRegistry } from './gpu/buffer-registry.js'
export type { Trace } from './gpu/trace.js'
export { deviceDescriptor, openDevice } from './gpu/open-device.js'
export { useDevice, type UseDeviceOptions } from './gpu/use-device.js'

export { customGradient, stopGradient } from './graph/custom-gradient.js'
export { gradients } from './graph/gradients.js'
export { inLayer } from './graph/layer.js'
export { checkFinite, type FiniteCheckOptions, type NonFinite } from './plan/check-finite.js'
export { compile, type CompileOptions } from './plan/compile.js'
export { describe, formatPlan, mergeSlabs, type DispatchRow } from './plan/describe.js'
export type { Plan } from './plan/plan.js'
export type { DispatchTime } from './plan/profile.js'
export type { Precision } from './plan/storage.js'
export { constant, input, parameter } from './graph/value.js'
export type { DType, Layout, Role, Shape, Value, ValueOptions } from './graph/value.js'
export { Variables, type VariableContents } from './plan/variables.js'

// Buffers of your own.
export { bufferBytes, type BoundBuffers } from './plan/caller-buffers.js'
export { toCallerOrder, toMemoryOrder } from './graph/layout.js'

// Kernels of your own.
export { checkGradients, type CheckedInput, type GradientCheckOptions } from './check-gradients.js'
export { accumulate } from './graph/accumulate.js'
export {
  elementwise,
  elementwiseOp,
  elementwisePlanes,
  type ElementwiseKernel,
  type ElementwiseOp,
} from './graph/elementwise.js'
export { defineNode, scratch } from './graph/node.js'
export { op, type OpSpec } from './graph/op.js'
export type { DeviceTraits } from './gpu/traits.js'
export type { Tile, TileProblem, TileTable, TunedTile } from './gpu/tiles.js'
export type {
  Choice,
  CommonSpec,
  DispatchSize,
  Extents,
  Gradients,
  Hints,
  Inputs,
  KernelCall,
  NodeSpec,
  OpNode,
  Outputs,
  OutputSpec,
  Scaled,
  Slices,
  Work,
} from './graph/node.js'
export { requireSameShape, volumeShape, type VolumeShape } from './graph/value.js'
export { everyPlane, planesOf, slabs, whole, widened } from './graph/window.js'
export type { Slab, Window } from './graph/window.js'
export type { Kernel, KernelKey, PipelineCache } from './gpu/pipeline-cache.js'
export type {
  BindingDeclaration,
  ParamDeclaration,
  ShaderInterface,
  ShaderSource,
  Specialisation,
  StoredSpecialisation,
  WorkgroupSize,
} from './gpu/shader.js'
export { planewise, type PlanewiseKernel } from './ops/shared/planewise.js'

// Weights in files.
export { readSafetensors, writeSafetensors, type Tensor, type TensorFile } from './io/safetensors.js'
export {
  loadMatching,
  loadWeights,
  saveWeights,
  type LoadOptions,
  type MatchedWeights,
  type SkippedTensor,
} from './weights.js'

export * from './ops/index.js'
export * from './nn/index.js'
export * from './optim/index.js'
export * from './sae/index.js'

// For pages and notebooks that use the engine: class tables from files, and the colours of the classes.
export { classColour, type Colour } from './report/colours.js'
export { parseLabelTable } from './sae/labels/label-table-file.js'
