import { createHash } from 'node:crypto'
import type { Gpu } from '../../src/gpu/gpu.js'
import { Variables } from '../../src/plan/variables.js'
import { createModel } from '../../src/sae/model.js'
import { makePhantom, phantomTable } from '../../src/sae/phantom/phantom.js'
import type { Prior } from '../../src/sae/prior/prior.js'
import { priorFromLabels } from '../../src/sae/prior/prior-from-labels.js'
import { defaultTraining } from '../../src/sae/settings.js'
import { Trainer, type TrainingStep } from '../../src/sae/training/trainer.js'

const shape: [number, number, number] = [16, 16, 16]
const classes = phantomTable.classes.length
const { subjects, unpaired } = makePhantom({ seed: 3, shape, subjects: 2 })

/** Two phantoms of 16x16x16 voxels. */
export const scans = subjects.map(({ scan }, i) => ({ name: `s${i}`, data: scan }))
export const prior: Prior = {
  data: priorFromLabels(unpaired.labels, shape, classes, { floor: 1e-4 }),
  classes,
  shape,
}

/** SAE training of a small network from seed 1 on the two phantoms, one scan a step. */
export class TinyTraining {
  readonly model = createModel({ classes, widths: [4, 8], instanceNorm: false }, 1)
  readonly variables: Variables
  private readonly trainer: Trainer

  /** @param steps an even number */
  constructor(
    gpu: Gpu,
    private readonly count: number,
  ) {
    this.variables = new Variables(gpu)
    const settings = { ...defaultTraining, epochs: count / scans.length }
    this.trainer = new Trainer(gpu, this.model, this.variables, prior, settings)
  }

  /** Compiles the plan of a step. */
  async prepare(): Promise<void> {
    await this.trainer.prepare(scans)
  }

  /** Trains, running ahead as `sae train` does. */
  steps(): AsyncGenerator<TrainingStep> {
    return this.trainer.train(scans, { ahead: true })
  }

  /** Trains to the end; a checksum of all losses, weights and moments. */
  async digest(): Promise<string> {
    const hash = createHash('sha256')
    let done = 0
    for await (const { loss } of this.steps()) {
      hash.update(Float64Array.of(loss))
      done++
    }
    if (done !== this.count) throw new Error(`${done} steps were done, not ${this.count}`)
    for (const value of [...this.model.parameters, ...this.trainer.optimiser.state])
      hash.update(new Uint8Array((await this.variables.read(value)).buffer))
    return hash.digest('hex')
  }

  dispose(): void {
    this.trainer.dispose()
    this.variables.dispose()
  }
}
