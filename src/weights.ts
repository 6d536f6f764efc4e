import type { Value } from './graph/value.js'
import { misfit, type Variables } from './plan/variables.js'
import { UserError } from './errors.js'
import { readSafetensors, writeSafetensors, type Tensor, type TensorFile } from './io/safetensors.js'

/**
 * Reads variables back and encodes them as a safetensors file, each under its name: parameters and, to resume training
 * later, the `state` of an optimiser.
 *
 * @param metadata text to store with them
 * @throws UserError if two of them have the same name
 */
export async function saveWeights(
  variables: Variables,
  wanted: readonly Value[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  requireOwnNames(wanted)
  const read = await variables.readAll(wanted)
  const tensors = [...read].map(([name, tensor]) => [name, { dtype: 'F32', ...tensor }] as const)
  return writeSafetensors(new Map<string, Tensor>(tensors), metadata)
}

/** How strictly `loadWeights` checks a file, and what messages call it. */
export interface LoadOptions {
  /** Whether the file may hold tensors that match no variable. Default false. */
  readonly allowUnknown?: boolean
  /** The file's name, for messages. Default `weights`. */
  readonly source?: string
}

/**
 * Writes the tensors of a safetensors file into the variables of the same names and returns the file's metadata.
 * If anything is wrong, nothing is written. Half and double precision become single precision.
 *
 * @param file its bytes, or the result of `readSafetensors`
 * @throws UserError naming every tensor that is missing, unknown, of another shape, of an integer type or not finite
 */
export function loadWeights(
  variables: Variables,
  wanted: readonly Value[],
  file: Uint8Array | TensorFile,
  { allowUnknown = false, source = 'weights' }: LoadOptions = {},
): Readonly<Record<string, string>> {
  requireOwnNames(wanted)
  const { tensors, metadata } = file instanceof Uint8Array ? readSafetensors(file, source) : file
  const problems: string[] = []
  const found: { value: Value; data: Float32Array }[] = []
  for (const value of wanted) {
    const tensor = tensors.get(value.name)
    const data = tensor && numbersOf(tensor)
    const problem =
      tensor && !data
        ? `is of type ${tensor.dtype}`
        : misfit(value, tensor && data && { shape: tensor.shape, data })
    if (problem) problems.push(`${value.name} ${problem}`)
    else found.push({ value, data: data! })
  }
  if (!allowUnknown) {
    const names = new Set(wanted.map(({ name }) => name))
    for (const name of tensors.keys()) if (!names.has(name)) problems.push(`${name} is unknown`)
  }
  if (problems.length > 0) throw new UserError(`${source}: ${problems.join('; ')}`)
  for (const { value, data } of found) variables.write(value, data)
  return metadata
}

function requireOwnNames(wanted: readonly Value[]): void {
  const seen = new Set<string>()
  for (const { name } of wanted) {
    if (seen.has(name)) throw new UserError(`weights: two variables are called ${name}`)
    seen.add(name)
  }
}

function numbersOf({ dtype, data }: Tensor): Float32Array | undefined {
  if (dtype === 'F32') return data
  return dtype === 'F64' ? Float32Array.from(data) : undefined
}
