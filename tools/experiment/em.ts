import type { Gpu } from '../../src/gpu/gpu.js'
import type { EmSettings } from '../../src/sae/mixture/em-settings.js'
import { ExpectationMaximisation, type EmResult } from '../../src/sae/mixture/em.js'
import type { Prior } from '../../src/sae/prior/prior.js'
import { channelsOfScan, type Subject } from './anatomies.js'

/** Segments each scan by expectation maximisation: its classes, mixture and bias field. */
export async function fitEach(
  gpu: Gpu,
  prior: Prior,
  scans: readonly Subject[],
  settings: Partial<EmSettings> = {},
): Promise<Pick<EmResult, 'classes' | 'mixture' | 'field'>[]> {
  const channels = channelsOfScan(scans[0]!)
  const em = await ExpectationMaximisation.create(gpu, prior, { ...settings, channels })
  try {
    const results = []
    for (const { data } of scans) {
      const { classes, mixture, field } = await em.run(data)
      results.push({ classes, mixture, field })
    }
    return results
  } finally {
    em.dispose()
  }
}
