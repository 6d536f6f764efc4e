import type { OpNode } from '../graph/node.js'
import { input, type Value } from '../graph/value.js'

/** What layers that behave differently in training share while a graph is built. */
export interface Training {
  /** An input of two u32, seed and step, which plans write: the source of all randomness. */
  readonly counter: Value
  /** The dropouts so far: each draws a mask of its own. */
  dropouts: number
  readonly updates: OpNode[]
}

let current: Training | undefined

/** The training that a graph is built for; undefined in evaluation. */
export function currentTraining(): Training | undefined {
  return current
}

/** What `inTraining` has built. */
export interface TrainingGraph<T> {
  /** What the function returned. */
  readonly result: T
  /** Effects (see `compile`) that update running statistics. */
  readonly updates: readonly OpNode[]
  /**
   * The counter that the function was given, which dropout draws by. Plans count its steps as they count those of an
   * optimiser's `schedule`, but apart from them: training that resumes from a checkpoint draws the masks of its first
   * steps again unless `variables.setStepsOf(counter, steps)` restores what `variables.stepsOf(counter)` was.
   */
  readonly counter: Value
}

/**
 * Builds a part of a graph for training, as between `train()` and `eval()` of PyTorch: `dropoutLayer` drops, and
 * `batchNormLayer` normalises by the batch and collects running statistics. Outside of it, the same layers build the
 * graph of the evaluation.
 *
 * @param body adds nodes before it returns, so it cannot be async. It is given a counter (see `uniformNoise`) of the seed and the
 *   step, for noise of its own
 * @param options seed of the dropout masks; default 0
 * @throws what `body` throws; Error if it returns a promise, because what it adds later would be for evaluation
 *
 * @example
 * const { result: logits, updates } = inTraining(() => network(scan))
 * const loss = crossEntropy(logits, target)
 * const step = await compile(gpu, { outputs: [], report: [loss], effects: [...adam.minimise(loss), ...updates], variables })
 */
export function inTraining<T>(
  body: (counter: Value) => T,
  { seed = 0 }: { readonly seed?: number } = {},
): TrainingGraph<T> {
  const outer = current
  const feed = (step: number) => Uint32Array.of(seed, step)
  const counter = input('training counter', [2], { dtype: 'u32', feed })
  const updates: OpNode[] = []
  current = { counter, dropouts: 0, updates }
  try {
    const result = body(counter)
    if (isPromise(result))
      throw new Error(
        'inTraining: its function returned a promise; load first what it awaits, then build the graph',
      )
    return { result, updates, counter }
  } finally {
    current = outer
  }
}

function isPromise(result: unknown): boolean {
  return (
    typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
  )
}
