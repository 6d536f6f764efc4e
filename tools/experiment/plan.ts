import { readFileSync } from 'node:fs'
import type { Prior } from '../../src/sae/prior/prior.js'
import type { Cohort } from './cohort.js'
import { canonical, digestOf } from './digest.js'
import { dataFile } from './map-anatomies.js'
import { settingsOf, usesPrior, usesSeed } from './methods.js'
import type { Cell, CellPlace } from './results.js'
import type { MethodDescription, PosteriorPrior, Study } from './study.js'

/** The cells of a cohort, in running order: methods with the same seed and start follow each other. */
export function cellsOf(study: Study, cohort: string): CellPlace[] {
  const { priors, seeds = study.seeds } = study.cohorts[cohort]!
  const cells: CellPlace[] = []
  for (const [i, prior] of Object.keys(priors).entries()) {
    for (const [s, seed] of seeds.entries()) {
      for (const [method, description] of Object.entries(study.methods)) {
        const isDone = (s > 0 && !usesSeed(description)) || (i > 0 && !usesPrior(description))
        if (!isDone) cells.push({ cohort, ...(usesPrior(description) ? { prior } : {}), method, seed })
      }
    }
  }
  return cells
}

export function isAt(cell: CellPlace, place: CellPlace): boolean {
  return (
    cell.cohort === place.cohort &&
    cell.prior === place.prior &&
    cell.method === place.method &&
    cell.seed === place.seed
  )
}

/** A digest of everything that the result of a cell depends on, except for the program itself. */
export async function digestOfCell(
  { seed }: Pick<Cell, 'seed'>,
  method: MethodDescription,
  { subjects, training, table }: Cohort,
  prior: Prior,
): Promise<string> {
  const seen = method.kind === 'supervised' ? await training(method.scans) : []
  return digestOf(
    canonical(settingsOf(method, table)),
    usesSeed(method) ? String(seed) : '',
    ...filesOf(method).map((file) => readFileSync(dataFile(file))),
    ...(usesPrior(method) ? [prior.data] : []),
    ...[...subjects, ...seen].flatMap(({ name, data, truth }) => [name, data, truth]),
  )
}

function filesOf(method: MethodDescription): string[] {
  const { file, posterior } = method as { file?: string; posterior?: PosteriorPrior }
  return [file, posterior?.file].filter((name) => name !== undefined)
}
