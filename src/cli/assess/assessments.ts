import type { Volume } from '../../io/volume.js'
import { assess, type AssessedScan, type Assessment } from '../../sae/assessment/assessment.js'
import { summarisePrior, type PriorSummary } from '../../sae/assessment/prior-summary.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { formatAssessments, type NamedAssessment } from './assessment-table.js'
import { toPrior } from '../prior/prior-file.js'
import { assessmentFigures } from '../run/run-figures.js'
import { recordRun, type Run } from '../run/run-record.js'
import type { Terminal } from '../terminal.js'
import { sayVerdicts } from './verdicts.js'
import { voxelVolume } from '../grids/voxel-volume.js'

/** Assesses the segmentations of a run one by one; prints and records the results at the end. */
export class Assessments {
  private readonly summary: PriorSummary
  private readonly all: NamedAssessment[] = []

  constructor(
    private readonly prior: Volume,
    table: LabelTable,
  ) {
    this.summary = summarisePrior(toPrior(prior), table)
  }

  /** Returns the assessment of one scan. */
  add(scan: string, assessed: AssessedScan): Assessment {
    const assessment = assess(this.summary, assessed)
    this.all.push({ scan, assessment })
    return assessment
  }

  /**
   * Prints the table and the verdicts and writes `run.json`.
   *
   * @param run with figures besides those of its segmentations
   * @throws UserError if the file cannot be written
   */
  async finish(folder: string, run: Run, terminal: Terminal): Promise<void> {
    const { table } = this.summary
    const { affine, known } = this.prior.grid
    if (this.all.length > 0) {
      terminal.status(formatAssessments(this.all, table, known ? voxelVolume(affine) : undefined))
      sayVerdicts(this.all, terminal)
    }
    terminal.status(`Figures, settings and checksums: ${await this.record(folder, run)}`)
  }

  /**
   * Writes `run.json` alone.
   *
   * @param count only the first of the segmentations
   * @returns its path
   * @throws UserError if the file cannot be written
   */
  record(folder: string, run: Run, count = this.all.length): Promise<string> {
    const segmentations = this.all.slice(0, count).map((one) => assessmentFigures(one, this.summary.table))
    return recordRun(folder, { ...run, figures: { ...run.figures, segmentations } })
  }
}
