import type { Gpu } from '../gpu/gpu.js'
import { requireGpu } from '../gpu/require-gpu.js'
import { traitsOf } from '../gpu/traits.js'
import { nodesBehind } from '../graph/gradients.js'
import { atLayer, placeOf } from '../graph/layer.js'
import type { OpNode } from '../graph/node.js'
import type { Value } from '../graph/value.js'
import { layerOf } from './calls.js'
import { compile, type CompileOptions } from './compile.js'
import { inFull, inHalf, type Stored } from './storage.js'
import { Variables } from './variables.js'

/** Options of `checkFinite`. */
export interface FiniteCheckOptions extends Pick<
  CompileOptions,
  'outputs' | 'report' | 'effects' | 'variables' | 'storage'
> {
  /** The contents of the inputs, in the caller's order. Inputs that no kernel reads may be left out. */
  readonly inputs: ReadonlyMap<Value, Float32Array | Uint32Array>
  /** Bytes of values to check per run; the graph runs as often as needed to check all. Default 5e8. */
  readonly bytesAtOnce?: number
}

/** The first numbers of a graph that are not finite. */
export interface NonFinite {
  /** The value that holds them. */
  readonly value: Value
  /** The op that computed it; undefined for an input, a variable or a constant. */
  readonly op: string | undefined
  /** The layer of that op, or of the variable. */
  readonly layer: string | undefined
  /** NaN, Infinity or -Infinity; with f16, a number beyond its range. */
  readonly number: number
  /** Position of the first one: an index for each axis of the value's shape. */
  readonly at: readonly number[]
  /** How many there are. */
  readonly count: number
  /** All of this in one line. */
  readonly message: string
}

/**
 * Finds the first NaN or infinity that a graph computes. Checks the inputs and variables, then runs the graph, keeps
 * the intermediate values and checks them in the order in which they are computed. If an op applies an
 * activation, its result before that is checked too, because max(x, 0) turns a NaN into 0 on some drivers.
 *
 * The nodes of `effects` do not run; only their inputs are computed, so weights stay as they are.
 *
 * @returns the first numbers that are not finite; undefined if all are
 *
 * @example
 * const inputs = new Map([[x, data]])
 * const found = await checkFinite(gpu, { outputs: [], effects: adam.minimise(loss), variables, inputs })
 * if (found) console.log(found.message) // encoder.block2: conv3d: its output ... holds NaN, ...
 */
export async function checkFinite(
  gpu: Gpu,
  { inputs, bytesAtOnce = 5e8, ...graph }: FiniteCheckOptions,
): Promise<NonFinite | undefined> {
  requireGpu('checkFinite', gpu)
  const { outputs, report = [], effects = [], storage = 'f32' } = graph
  const wanted = [...outputs, ...report, ...effects.flatMap((node) => node.inputs)]
  const nodes = nodesBehind(wanted).sort((a, b) => a.id - b.id)
  const stored = storage === 'f16' ? inHalf(nodes, new Set(), traitsOf(gpu)) : inFull
  const variables = graph.variables ?? new Variables(gpu)
  try {
    for (const subjects of portions(subjectsOf(nodes, wanted), bytesAtOnce)) {
      const found = await firstOf(gpu, subjects, { variables, inputs, storage, stored })
      if (found) return found
    }
    return undefined
  } finally {
    if (!graph.variables) variables.dispose()
  }
}

/** A value to check, and what messages call it. */
interface Subject {
  readonly value: Value
  readonly node: Pick<OpNode, 'op' | 'layer' | 'inputs' | 'mutates'> | undefined
  readonly what: string
}

/** All f32 values of a graph: inputs, variables and constants first, then the nodes' outputs in order. */
function subjectsOf(nodes: readonly OpNode[], wanted: readonly Value[]): Subject[] {
  const leaves = new Set([...nodes.flatMap(({ inputs }) => inputs), ...wanted].filter(({ node }) => !node))
  const ofNode = (node: OpNode): Subject[] => {
    const bare = node.withoutActivation && atLayer(node.layer, node.withoutActivation)
    return [
      ...(bare ? [{ value: bare, node, what: 'its result before the activation,' }] : []),
      ...node.outputs.map((value) => ({ value, node, what: 'its output' })),
    ]
  }
  return [
    ...[...leaves].map((value) => ({ value, node: undefined, what: `the ${value.role}` })),
    ...nodes.flatMap(ofNode),
  ].filter(({ value }) => value.dtype === 'f32')
}

/** Groups consecutive subjects that take at most `bytes` together; a larger one stands alone. */
function* portions(subjects: readonly Subject[], bytes: number): Iterable<readonly Subject[]> {
  let portion: Subject[] = []
  let taken = 0
  for (const subject of subjects) {
    if (portion.length > 0 && taken + subject.value.bytes > bytes) {
      yield portion
      portion = []
      taken = 0
    }
    portion.push(subject)
    taken += subject.value.bytes
  }
  if (portion.length > 0) yield portion
}

interface Surroundings extends Required<Pick<FiniteCheckOptions, 'inputs' | 'storage'>> {
  readonly variables: Variables
  readonly stored: Stored
}

/** Computes some values and checks them in order. */
async function firstOf(
  gpu: Gpu,
  subjects: readonly Subject[],
  { variables, inputs, storage, stored }: Surroundings,
): Promise<NonFinite | undefined> {
  const outputs = [...new Set(subjects.map(({ value }) => value))]
  const plan = await compile(gpu, { outputs, variables, storage })
  const steps = plan.inputs
    .filter(({ feed }) => feed)
    .map((value) => [value, variables.stepsOf(value)] as const)
  try {
    for (const value of plan.inputs) {
      const data = inputs.get(value)
      if (data) plan.write(value, data)
    }
    await plan.run()
    for (const subject of subjects) {
      const { value } = subject
      const found = look(await plan.read(value), stored.isHalf(value) ? largestHalf : Infinity)
      if (found) return described(subject, found)
    }
    return undefined
  } finally {
    for (const [value, count] of steps) variables.setStepsOf(value, count)
    plan.dispose()
  }
}

/** The largest number that f16 holds. */
const largestHalf = 65504

interface Found {
  readonly index: number
  readonly number: number
  readonly count: number
}

function look(data: Float32Array, most: number): Found | undefined {
  let first = -1
  let count = 0
  for (let i = 0; i < data.length; i++) {
    const magnitude = Math.abs(data[i]!)
    if (magnitude < Infinity && magnitude <= most) continue
    if (count === 0) first = i
    count++
  }
  return count === 0 ? undefined : { index: first, number: data[first]!, count }
}

function described({ value, node, what }: Subject, { index, number, count }: Found): NonFinite {
  const layer = node ? layerOf(node) : layerOf({ inputs: [value], mutates: [] })
  const at: number[] = []
  let rest = index
  for (const extent of value.shape.toReversed()) {
    at.unshift(rest % extent)
    rest = Math.floor(rest / extent)
  }
  const place = node ? `${placeOf({ op: node.op, layer })}: ` : ''
  const kind = Number.isFinite(number) ? `${number}, more than f16 holds` : String(number)
  const message = `${place}${what} ${value.name} [${value.shape.join(', ')}] holds ${kind}, first at [${at.join(', ')}] (${count} of ${value.size} numbers)`
  return { value, op: node?.op, layer, number, at, count, message }
}
