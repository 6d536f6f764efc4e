import { provenance } from '../../bench/harness.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { UserError } from '../../src/errors.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { diceScores, meanDice } from '../../src/sae/metrics/dice.js'
import { foregroundClasses } from '../../src/sae/labels/label-table.js'
import type { Anatomies } from './anatomies.js'
import { makeCohort } from './cohort.js'
import type { OnStep } from './learn.js'
import { MapAnatomies, MapFolder } from './map-anatomies.js'
import { runMethod, type Task } from './methods.js'
import { PhantomAnatomies } from './phantom-anatomies.js'
import { cellsOf, digestOfCell, isAt } from './plan.js'
import { describeCell, readResults, writeResults, type Cell, type Results } from './results.js'
import { Starts } from './run-recipe.js'
import { mean } from './statistics.js'
import type { MethodDescription, Study } from './study.js'

/**
 * Runs the cells of a study that are not done yet, and writes the results after each, so that a killed run resumes at the
 * cell it was working on. At the end, drops cells that the study no longer has.
 *
 * @param path of the results
 */
export async function runStudy(
  gpu: Gpu,
  name: string,
  study: Study,
  path: string,
  terminal: Terminal,
): Promise<Results> {
  const before = readResults(path)?.cells ?? []
  const anatomiesOf = anatomySource(study)
  const { commit, adapter, driver, processor, node } = provenance(gpu)
  const machine = { adapter, driver, processor, node }
  const cells: Cell[] = []
  const heads: Pick<Results, 'classes' | 'foreground' | 'voxels'>[] = []
  const save = async (kept: readonly Cell[]): Promise<Results> => {
    const voxels = Object.assign({}, ...heads.map((head) => head.voxels)) as Results['voxels']
    const results = { study: name, machine, ...heads.at(-1)!, voxels, cells: kept }
    await writeResults(path, results)
    return results
  }
  for (const [cohortName, description] of Object.entries(study.cohorts)) {
    terminal.status(`${cohortName}: making ${description.subjects.length} subjects and their priors`)
    const cohort = await makeCohort(description, await anatomiesOf(description.every ?? 1))
    const { table, subjects } = cohort
    const foreground = foregroundClasses(table)
    const classes = table.classes.map(({ abbreviation }) => abbreviation)
    heads.push({ classes, foreground, voxels: { [cohortName]: subjects[0]!.truth.length } })
    const starts = new Starts()
    for (const place of cellsOf(study, cohortName)) {
      const method = study.methods[place.method]!
      // Even a method that does not use the prior takes the number of voxels and classes from it.
      const prior = await cohort.prior(place.prior ?? Object.keys(description.priors)[0]!)
      const seen = cohort.showing('contrasts' in method ? method.contrasts : undefined)
      const digest = await digestOfCell(place, method, seen, prior)
      const kept = before.find((cell) => isAt(cell, place) && cell.digest === digest)
      if (kept) {
        terminal.status(`${describeCell(place)}: done before`)
        cells.push(kept)
        continue
      }
      const onStep = reportQuarters(describeCell(place), terminal)
      const task = { gpu, cohort: seen, prior, seed: place.seed, starts, onStep }
      const cell = { ...place, digest, commit, ...(await runCell(method, task)) }
      cells.push(cell)
      await save([...cells, ...before.filter((other) => !cells.some((done) => isAt(other, done)))])
      const dice = mean(cell.subjects.map((subject) => meanDice(subject.dice, foreground))).toFixed(3)
      terminal.status(
        `${describeCell(place)}: ${cell.failure ?? `Dice ${dice} (${cell.seconds.toFixed(1)} s)`}`,
      )
    }
  }
  return save(cells)
}

/** Makes or reads the anatomies of a study, on every n-th voxel. */
function anatomySource({ anatomies }: Study): (every: number) => Promise<Anatomies> {
  if (anatomies.kind === 'phantoms') {
    const phantoms = new PhantomAnatomies(anatomies)
    return () => Promise.resolve(phantoms)
  }
  const folder = new MapFolder()
  return (every) => MapAnatomies.open(folder, anatomies, every)
}

/** Runs a method. Divergence counts as a result too. */
async function runCell(
  method: MethodDescription,
  task: Task,
): Promise<Pick<Cell, 'finished' | 'seconds' | 'subjects' | 'log' | 'failure'>> {
  const { subjects, table } = task.cohort
  try {
    const { segmentations, log, seconds } = await runMethod(method, task)
    return {
      finished: new Date().toISOString(),
      seconds,
      subjects: subjects.map(({ name, truth }, i) => ({
        name,
        dice: diceScores(segmentations[i]!, truth, table.classes.length),
      })),
      ...(log.length > 0 ? { log } : {}),
    }
  } catch (error) {
    if (!(error instanceof UserError && error.message.includes('diverged'))) throw error
    return { finished: new Date().toISOString(), seconds: 0, subjects: [], failure: error.message }
  }
}

/** Prints a line at each quarter of a stage. */
function reportQuarters(cell: string, terminal: Terminal): OnStep {
  const quarter = (step: number, steps: number): number => Math.floor((4 * step) / steps)
  return (stage, step, steps) => {
    if (quarter(step, steps) > quarter(step - 1, steps))
      terminal.status(`  ${cell}: ${stage}, step ${step} of ${steps}`)
  }
}
