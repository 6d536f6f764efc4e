import { DeviceLostError } from '../../gpu/device-lost.js'
import type { Gpu } from '../../gpu/gpu.js'
import type { Value } from '../../graph/value.js'
import type { Variables } from '../../plan/variables.js'
import { requireSound } from '../../self-check/index.js'
import type { CourseState } from '../../sae/training/diagnosis.js'
import { requireFiniteTensors } from '../../sae/training/diverged.js'
import { UserError } from '../../errors.js'
import { withGpu } from '../device.js'
import type { GlobalOptions } from '../options.js'
import type { Terminal } from '../terminal.js'

/** What a run resumes from on another device. */
export interface SavedState<Progress> extends CourseState<Progress> {
  /** What else a checkpoint of this moment holds. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Seconds between two states: reading one takes about as long as a small step. */
const between = 10

/** The last state of a run, in memory: at the end of an epoch, or at the beginning. */
export class Lifeline<Progress extends { readonly step: number }> {
  state: SavedState<Progress> | undefined
  private taken = -Infinity

  /** @param what runs, for messages */
  constructor(private readonly what: string) {}

  /**
   * Takes the state, unless the last one is young. Only when no step is under way.
   *
   * @throws DivergedError if weights are not finite
   */
  async keep(
    variables: Variables,
    values: readonly Value[],
    progress: Progress,
    metadata: Readonly<Record<string, string>> = {},
    always = false,
  ): Promise<void> {
    const now = performance.now() / 1000
    if (!always && now - this.taken < between) return
    const tensors = await variables.readAll(values)
    requireFiniteTensors(this.what, progress.step, tensors)
    this.state = { tensors, progress, metadata }
    this.taken = now
  }
}

/** Devices that a run may lose. */
const mostLosses = 3

/**
 * As `withGpu`, on a device that passes the quick self-check; but if the device is lost, `body` is called again
 * with another one, to resume from the state that its lifeline holds.
 *
 * @throws UserError if that happens more than three times, or a device computes wrongly
 */
export async function surviving<Progress extends { readonly step: number }>(
  what: string,
  options: GlobalOptions,
  terminal: Terminal,
  body: (gpu: Gpu, lifeline: Lifeline<Progress>) => Promise<void>,
): Promise<void> {
  const lifeline = new Lifeline<Progress>(what)
  for (let losses = 1; ; losses++) {
    try {
      await withGpu(options, terminal, async (gpu) => {
        await requireSound(gpu)
        gpu.buffers.resetPeak()
        await body(gpu, lifeline)
      })
      return
    } catch (error) {
      if (!(error instanceof DeviceLostError)) throw error
      if (losses > mostLosses)
        throw new UserError(
          `${error.message}; that was the ${losses}th time in this run: look for a failing driver or GPU, or choose another with --adapter`,
          { cause: error },
        )
      const step = lifeline.state?.progress.step ?? 0
      terminal.warn(
        `${error.message}; ${what} goes on ${step === 0 ? 'from the beginning' : `from step ${step}`} on a new device (${losses} of ${mostLosses})`,
      )
    }
  }
}
