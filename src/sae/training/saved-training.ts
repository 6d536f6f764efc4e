import { UserError } from '../../errors.js'
import { checkTrainingSettings, defaultTraining, type TrainingSettings } from '../settings.js'
import type { TrainingProgress } from './trainer.js'

/** Settings that are words: which they may be. */
const words: Readonly<Partial<Record<keyof TrainingSettings, readonly string[]>>> = {
  precision: ['f32', 'f16'],
  neighbours: ['sum', 'mean'],
  potential: ['pointwise', 'conditional'],
  sigma: ['fixed', 'estimated', 'continuous'],
  divergence: ['prior', 'mixture'],
}

/** Returns the settings that a file holds, unchanged; those that are missing have defaults. @throws UserError if one is invalid */
export function requireTrainingSettings(value: unknown, source: string): TrainingSettings {
  const settings = requireRecord(value, source)
  for (const [name, setting] of Object.entries(settings)) {
    const allowed = Object.hasOwn(words, name) ? words[name as keyof TrainingSettings] : undefined
    const sound = allowed ? allowed.includes(setting as string) : typeof setting === 'number'
    if (!sound) throw damaged(source)
  }
  try {
    checkTrainingSettings({ ...defaultTraining, ...(settings as Partial<TrainingSettings>) })
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${source}: ${error.message}`) : error
  }
  return settings as unknown as TrainingSettings
}

/** How far a run came, as a file holds it. @throws UserError if it is not that */
export function requireProgress(value: unknown, source: string): TrainingProgress {
  const progress = requireRecord(value, source)
  const { epoch, step, otherChannels = [] } = progress
  const sound =
    [epoch, step].every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    Array.isArray(otherChannels) &&
    [progress, ...(otherChannels as unknown[])].every(isEstimate)
  if (!sound) throw damaged(source)
  return progress as unknown as TrainingProgress
}

function isEstimate(value: unknown): boolean {
  const { variance, errors } = (value ?? {}) as Readonly<Record<string, unknown>>
  return isFinite(variance) && Array.isArray(errors) && errors.every(isFinite)
}

function isFinite(value: unknown): boolean {
  return Number.isFinite(value)
}

function requireRecord(value: unknown, source: string): Readonly<Record<string, unknown>> {
  if (Object(value) !== value || Array.isArray(value)) throw damaged(source)
  return value as Readonly<Record<string, unknown>>
}

function damaged(source: string): UserError {
  return new UserError(
    `${source}: what it holds of its training makes no sense; start a new run from its weights`,
  )
}
