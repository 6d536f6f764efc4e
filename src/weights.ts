import { kindOf } from './gpu/require-gpu.js'
import { requireValues } from './graph/require-values.js'
import type { Value } from './graph/value.js'
import { misfit, type Variables } from './plan/variables.js'
import { UserError } from './errors.js'
import { readSafetensors, writeSafetensors, type Tensor, type TensorFile } from './io/safetensors.js'

/**
 * Reads variables back and encodes them as a safetensors file, each under its name: parameters and, to resume training
 * later, the `state` of an optimiser.
 *
 * @param metadata text to store with them
 * @throws UserError if two of them have the same name, or metadata is not text
 * @throws Error if `wanted` is not a list of variables
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
 * @throws Error if `wanted` is not a list of values, or `file` is anything else, such as an ArrayBuffer
 */
export function loadWeights(
  variables: Variables,
  wanted: readonly Value[],
  file: Uint8Array | TensorFile,
  { allowUnknown = false, source = 'weights' }: LoadOptions = {},
): Readonly<Record<string, string>> {
  const { metadata, pairs, unknown } = pair(wanted, file, source)
  const problems = pairs.flatMap(({ value, problem }) => (problem ? [`${value.name} ${problem}`] : []))
  if (!allowUnknown) problems.push(...unknown.map((name) => `${name} is unknown`))
  if (problems.length > 0) throw new UserError(`${source}: ${problems.join('; ')}`)
  for (const { value, data } of pairs) variables.write(value, data!)
  return metadata
}

/** A tensor that does not fit. */
export interface SkippedTensor {
  /** Its name in the file. */
  readonly name: string
  /** `is [4, 1, 3, 3, 3], not [8, 1, 3, 3, 3]`; `is unknown` if there is no variable of its name. */
  readonly reason: string
}

/** What `loadMatching` did with the tensors of a file, and with the variables. */
export interface MatchedWeights {
  /** Tensors that were written into the variables of the same names. */
  readonly loaded: readonly string[]
  /** Tensors that were not. */
  readonly skipped: readonly SkippedTensor[]
  /** Variables that the file has no tensor for; like those of skipped tensors, they keep their contents. */
  readonly missing: readonly string[]
  /** The file's metadata. */
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Writes what fits of a safetensors file into variables and says what that was: for a network that begins with the
 * weights of another, which has another last layer, for example. `loadWeights` loads everything or nothing.
 *
 * @param file its bytes, or the result of `readSafetensors`
 * @param options the file's name, for messages
 * @throws UserError if no tensor fits
 * @throws Error as `loadWeights`
 */
export function loadMatching(
  variables: Variables,
  wanted: readonly Value[],
  file: Uint8Array | TensorFile,
  { source = 'weights' }: Pick<LoadOptions, 'source'> = {},
): MatchedWeights {
  const { metadata, pairs, unknown } = pair(wanted, file, source)
  const fitting = pairs.filter(({ problem }) => problem === undefined)
  const missing = pairs.filter(({ tensor }) => tensor === undefined)
  const misfits = pairs.filter(({ tensor, problem }) => tensor && problem !== undefined)
  if (fitting.length === 0) {
    const names = (all: readonly string[]) => (all.length > 3 ? [...all.slice(0, 3), '..'] : all).join(', ')
    const of = names([...unknown, ...misfits.map(({ value, problem }) => `${value.name}, which ${problem!}`)])
    throw new UserError(
      `${source}: no tensor fits. It holds ${of || 'none'}; the variables are ${names(wanted.map(({ name }) => name))}`,
    )
  }
  for (const { value, data } of fitting) variables.write(value, data!)
  return {
    loaded: fitting.map(({ value }) => value.name),
    skipped: [
      ...misfits.map(({ value, problem }) => ({ name: value.name, reason: problem! })),
      ...unknown.map((name) => ({ name, reason: 'is unknown' })),
    ],
    missing: missing.map(({ value }) => value.name),
    metadata,
  }
}

/** A variable with the tensor of its name, and why that cannot be written into it. */
interface Pair {
  readonly value: Value
  readonly tensor: Tensor | undefined
  readonly data: Float32Array | undefined
  readonly problem: string | undefined
}

/** Every variable with its tensor, and the names of the tensors that belong to none. */
function pair(wanted: readonly Value[], file: Uint8Array | TensorFile, source: string) {
  requireOwnNames(wanted)
  const read = file instanceof Uint8Array ? readSafetensors(file, source) : file
  if (!('tensors' in Object(read)))
    throw new Error(`${source}: the bytes of a file are needed, a Uint8Array, not ${kindOf(file)}`)
  const { tensors, metadata } = read
  const pairs = wanted.map((value): Pair => {
    const tensor = tensors.get(value.name)
    const data = tensor && numbersOf(tensor)
    const problem =
      tensor && !data
        ? `is of type ${tensor.dtype}`
        : misfit(value, tensor && data && { shape: tensor.shape, data })
    return { value, tensor, data, problem }
  })
  const names = new Set(wanted.map(({ name }) => name))
  return { metadata, pairs, unknown: [...tensors.keys()].filter((name) => !names.has(name)) }
}

function requireOwnNames(wanted: readonly Value[]): void {
  requireValues('weights', wanted)
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
