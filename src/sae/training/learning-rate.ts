import type { OptimiserSettings } from '../settings.js'

/**
 * The learning rate of a step, counted from 1, in a run of `steps` steps: it rises linearly over the warm-up and falls
 * along half a period of a cosine over the last share `decay` of the run.
 */
export function scheduledRate(
  { learningRate, warmUp = 0, decay = 0 }: Pick<OptimiserSettings, 'learningRate' | 'warmUp' | 'decay'>,
  step: number,
  steps: number,
): number {
  const rising = warmUp === 0 ? 1 : Math.min(1, step / warmUp)
  const decaySteps = decay * steps
  const into = step - 1 - (steps - decaySteps)
  const falling = into <= 0 ? 1 : 0.5 * (1 + Math.cos((Math.PI * Math.min(into, decaySteps)) / decaySteps))
  return learningRate * rising * falling
}
