import { gradients } from './graph/gradients.js'
import type { Plan } from './plan/plan.js'
import { compile } from './plan/compile.js'
import { input, type Layout, type Shape, type Value } from './graph/value.js'
import type { Gpu } from './gpu/gpu.js'
import { requireGpu } from './gpu/require-gpu.js'
import { seededRandom } from './nn/index.js'
import { dot, weightedSum } from './ops/index.js'

/** An input of the function whose gradients are checked. */
export interface CheckedInput {
  /** Extents, slowest axis first; [N,C,D,H,W] for a volume. */
  readonly shape: Shape
  /** Default: `volume` if the shape has five extents, else `flat`. Weights [O,I,kD,kH,kW] must be `flat`. */
  readonly layout?: Layout
  /** Its numbers, row-major. Integers (u32) have no gradient. Default: drawn from `range`. */
  readonly data?: Float32Array | Uint32Array
  /** The range of the uniform random numbers: stay more than a step away from kinks and poles. Default [-1, 1]. */
  readonly range?: readonly [number, number]
}

/** A function, the point at which its gradients are checked, and the tolerance. */
export interface GradientCheckOptions<Name extends string> {
  /** Arguments of the function, by the names that `build` uses. */
  readonly inputs: Readonly<Record<Name, CheckedInput>>
  /** Builds the function: one value, or several, of any shape. */
  readonly build: (values: Readonly<Record<Name, Value>>) => Value | readonly Value[]
  /** The inputs whose gradients are checked. Default: all except integer inputs. */
  readonly wanted?: readonly NoInfer<Name>[]
  /** Largest relative error. Default 1e-3. */
  readonly tolerance?: number
  /** Largest step of the differences. Default 0.01. */
  readonly step?: number
  /** Random directions for each input, at least 1. Default 4. */
  readonly directions?: number
  /** Default 0. */
  readonly seed?: number
}

/**
 * Compares the gradients that the device computes with finite differences of the function itself.
 *
 * Let L(x) = <r, f(x)> with random r. The derivative of L along random directions v with components +-1 is estimated by
 * central differences D with the steps h and h/2, extrapolated to (4 D(h/2) - D(h)) / 3. The device computes f in
 * single precision; the host computes the rest in double precision, with the steps as single precision rounded them.
 * The error is |estimate - <gradient, v>|, relative to the norm of the gradient or to the estimate, whichever is
 * larger.
 *
 * @returns the worst error of each input
 * @throws Error naming the inputs whose error is above the tolerance or not finite, or if there is nothing to check
 */
export async function checkGradients<Name extends string>(
  gpu: Gpu,
  options: GradientCheckOptions<Name>,
): Promise<Record<Name, number>> {
  const { tolerance = 1e-3, step = 0.01, directions = 4, seed = 0 } = options
  const random = seededRandom(seed)
  requireGpu('checkGradients', gpu)
  if (!(directions >= 1)) throw new Error(`checkGradients: directions must be at least 1, not ${directions}`)
  const names = Object.keys(options.inputs) as Name[]
  const stranger = options.wanted?.find((name) => !names.includes(name))
  if (stranger !== undefined)
    throw new Error(`checkGradients: there is no input ${stranger}; the inputs are ${names.join(', ')}`)
  const given = names.map((name) => point(name, options.inputs[name], random))
  const built = options.build(
    Object.fromEntries(given.map(({ name, value }) => [name, value])) as Record<Name, Value>,
  )
  const outputs = 'shape' in built ? [built] : built
  const weights = outputs.map((output, i) => {
    const value = input(`weights of output ${i}`, output.shape, { layout: output.layout })
    return { value, data: draw(value.size, [-1, 1], random) }
  })
  const wanted = given.filter(
    ({ name, data }) => options.wanted?.includes(name) ?? data instanceof Float32Array,
  )
  if (wanted.length === 0) throw new Error('checkGradients: no input has a gradient to check')
  const loss = weightedSum(outputs.map((output, i) => ({ term: dot(output, weights[i]!.value) })))
  const grads = gradients(
    loss,
    wanted.map(({ value }) => value),
  )

  const analytic = await evaluate(gpu, grads, [...given, ...weights])
  const errors = {} as Record<Name, number>
  const plan = await compile(gpu, { outputs })
  try {
    writeAll(plan, given)
    const lossOf = async () => {
      await plan.run()
      let total = 0
      for (const [i, output] of outputs.entries()) total += inner(weights[i]!.data, await plan.read(output))
      return total
    }
    for (const [i, { name, value, data }] of wanted.entries()) {
      if (!plan.reads(value)) throw new Error(`checkGradients: the function does not read ${name}`)
      const x = data as Float32Array
      const gradient = analytic[i]!
      const norm = Math.sqrt(inner(gradient, gradient))
      errors[name] = 0
      for (let k = 0; k < directions; k++) {
        const signs = Float32Array.from(x, () => (random() < 0.5 ? -1 : 1))
        const difference = async (h: number) => {
          const [above, below] = [h, -h].map((by) => x.map((number, j) => number + by * signs[j]!)) as [
            Float32Array,
            Float32Array,
          ]
          plan.write(value, above)
          const high = await lossOf()
          plan.write(value, below)
          const low = await lossOf()
          // Predicts the change along the actual step, which is the wanted one up to rounding.
          const along = gradient.reduce((sum, g, j) => sum + g * (above[j]! - below[j]!), 0) / (2 * h)
          return { numeric: (high - low) / (2 * h), along }
        }
        const [coarse, fine] = [await difference(step), await difference(step / 2)]
        const numeric = (4 * fine.numeric - coarse.numeric) / 3
        const error = Math.abs(numeric - (4 * fine.along - coarse.along) / 3)
        const relative = error === 0 ? 0 : error / Math.max(norm, Math.abs(numeric))
        errors[name] = Math.max(errors[name], Number.isFinite(relative) ? relative : Infinity)
      }
      plan.write(value, x)
    }
  } finally {
    plan.dispose()
  }
  const wrong = wanted.filter(({ name }) => !(errors[name] <= tolerance))
  if (wrong.length > 0) {
    const list = wrong.map(({ name }) => `${name} by ${errors[name].toExponential(1)}`).join(', ')
    throw new Error(`checkGradients: gradients are off: ${list} (relative; ${tolerance} is allowed)`)
  }
  return errors
}

interface Written {
  readonly value: Value
  readonly data: Float32Array | Uint32Array
}

function point<Name extends string>(
  name: Name,
  { shape, layout, data, range = [-1, 1] }: CheckedInput,
  random: () => number,
): Written & { readonly name: Name } {
  const value = input(name, shape, {
    ...(layout ? { layout } : {}),
    ...(data instanceof Uint32Array ? { dtype: 'u32' } : {}),
  })
  return { name, value, data: data ?? draw(value.size, range, random) }
}

function draw(size: number, [low, high]: readonly [number, number], random: () => number): Float32Array {
  return Float32Array.from({ length: size }, () => low + (high - low) * random())
}

/** In double precision. */
function inner(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, number, i) => sum + number * b[i]!, 0)
}

async function evaluate(
  gpu: Gpu,
  outputs: readonly Value[],
  feeds: readonly Written[],
): Promise<Float32Array[]> {
  const plan = await compile(gpu, { outputs })
  try {
    writeAll(plan, feeds)
    await plan.run()
    return await Promise.all(outputs.map((value) => plan.read(value)))
  } finally {
    plan.dispose()
  }
}

function writeAll(plan: Plan, feeds: readonly Written[]): void {
  for (const { value, data } of feeds) if (plan.reads(value)) plan.write(value, data)
}
