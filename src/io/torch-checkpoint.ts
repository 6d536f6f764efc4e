import { quoted, UserError } from '../errors.js'
import type { Tensor } from './safetensors.js'
import { loadTorch, TensorRef, type StorageRef } from './torch-pickle.js'
import { formatShape } from './volume.js'

type F32Tensor = Extract<Tensor, { dtype: 'F32' }>

/** The parts of the SAE reference's checkpoints, and the names of their parameters here. */
const PARTS = {
  u1: [
    { pattern: /^(?:module\.)?(block\d+)\.conv1\.(weight|bias)$/, name: 'encoder.$1.$2' },
    { pattern: /^(?:module\.)?conv\.(weight|bias)$/, name: 'encoder.conv.$1' },
  ],
  u2: [{ pattern: /^(?:module\.)?0\.(weight|bias)$/, name: 'decoder.$1' }],
} as const

/**
 * Reads a checkpoint of the SAE reference (`.pth.tar`): the encoder under `u1`, the decoder, if any, under `u2`.
 * Ignores everything else in it, such as Adam's state. No code in the file runs, and a file that names anything a
 * checkpoint does not need (`os.system`) is refused.
 *
 * @param source the file's name, for messages
 * @returns float32 tensors under the names `encoder.block0.weight` ... `encoder.conv.bias`, `decoder.weight`, `.bias`
 * @throws UserError if the file is truncated, damaged or not such a checkpoint
 */
export function readTorchCheckpoint(bytes: Uint8Array, source = 'checkpoint'): Map<string, F32Tensor> {
  const file = loadTorch(bytes, source)
  const { root } = file
  if (!(root instanceof Map) || !(root.get('u1') instanceof Map || root.get('u2') instanceof Map)) {
    throw new UserError(
      `${source}: a PyTorch file, but without the SAE networks u1 and u2; export safetensors instead`,
    )
  }
  const tensors = new Map<string, F32Tensor>()
  const storages = new Storages(file.storage)
  for (const [part, rules] of Object.entries(PARTS)) {
    const state: unknown = root.get(part)
    if (!(state instanceof Map)) continue
    for (const [key, value] of state as Map<unknown, unknown>) {
      const name = typeof key === 'string' ? key : ''
      const rule = rules.find(({ pattern }) => pattern.test(name))
      if (rule === undefined || !(value instanceof TensorRef)) {
        throw new UserError(`${source}: ${part} holds ${quoted(name)}, which is not a parameter of the SAE`)
      }
      tensors.set(name.replace(rule.pattern, rule.name), toTensor(value, storages, source))
    }
  }
  return tensors
}

/** Reads each storage once, however many tensors view it. */
class Storages {
  private readonly read = new Map<string, Float32Array>()
  /** Elements that tensors may still take. Views that do not overlap never take more than the storages hold. */
  private left = 0

  constructor(private readonly load: (ref: StorageRef) => Float32Array) {}

  /** The storage of a tensor with `count` elements; undefined if all tensors together exceed their storages. */
  take(ref: StorageRef, count: number): Float32Array | undefined {
    let values = this.read.get(ref.key)
    if (values === undefined) {
      values = this.load(ref)
      this.read.set(ref.key, values)
      this.left += values.length
    }
    this.left -= count
    return this.left < 0 ? undefined : values
  }
}

function toTensor(ref: TensorRef, storages: Storages, source: string): F32Tensor {
  const { shape, stride, offset } = ref
  const count = shape.reduce((product, size) => product * size, 1)
  const last = shape.reduce((index, size, axis) => index + (size - 1) * stride[axis]!, offset)
  const values = storages.take(ref.storage, count)
  if (values === undefined || count > values.length || (count > 0 && last >= values.length)) {
    throw new UserError(
      `${source}: a tensor of ${formatShape(shape)} reaches beyond its storage; the file is damaged`,
    )
  }
  const data = new Float32Array(count)
  for (let flat = 0; flat < count; flat++) {
    let rest = flat
    let index = offset
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index += (rest % shape[axis]!) * stride[axis]!
      rest = Math.floor(rest / shape[axis]!)
    }
    data[flat] = values[index]!
  }
  return { dtype: 'F32', shape, data }
}
