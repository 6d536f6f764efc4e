/** What a run that diverged is told, and what scans and weights are refused. */
import { describe, expect, it } from 'vitest'
import { Variables } from '../../../../src/plan/variables.js'
import { diagnose, type CourseState } from '../../../../src/sae/training/diagnosis.js'
import { DivergedError, requireFiniteTensors } from '../../../../src/sae/training/diverged.js'
import { createModel } from '../../../../src/sae/model.js'
import { makePhantom, phantomTable } from '../../../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../../../src/sae/prior/prior-from-labels.js'
import { defaultTraining } from '../../../../src/sae/settings.js'
import { Trainer, type TrainingProgress } from '../../../../src/sae/training/trainer.js'
import { useGpu } from '../../../gpu.js'

const device = useGpu()
const shape: [number, number, number] = [16, 17, 16]
const classes = phantomTable.classes.length
const { subjects, unpaired } = makePhantom({ seed: 2, shape, subjects: 2 })
const prior = { data: priorFromLabels(unpaired.labels, shape, classes, { floor: 1e-4 }), classes, shape }
const scans = subjects.map(({ scan }, i) => ({ name: `scan ${i}`, data: scan }))
const model = createModel({ classes, widths: [2, 3], instanceNorm: false })
const beginning: TrainingProgress = { epoch: 0, step: 0, variance: 1e8, errors: [] }

const beginWith =
  (learningRate: number) =>
  (variables: Variables, progress: TrainingProgress): Trainer =>
    new Trainer(
      device.gpu,
      model,
      variables,
      prior,
      { ...defaultTraining, epochs: 3, learningRate },
      progress,
    )

function initialState(change?: { name: string; number: number }): CourseState<TrainingProgress> {
  const tensors = model.parameters.map(({ name, shape, initial }) => {
    const data = Float32Array.from(initial!)
    if (change?.name === name) data.fill(change.number)
    return [name, { shape, data }] as const
  })
  return { tensors: new Map(tensors), progress: beginning }
}

describe('a run that diverged', () => {
  it('is told which weights the first bad step began with', async () => {
    const found = await diagnose(device.gpu, beginWith(1e30), model.parameters, initialState(), scans, 6)
    expect(found).toMatch(/^\S.* holds (NaN|-?Infinity), first at \[/)
  })

  it('is told the layer, if weights are as large as to overflow', async () => {
    const state = initialState({ name: 'encoder.block0.weight', number: 3e38 })
    const found = await diagnose(device.gpu, beginWith(0.001), model.parameters, state, scans, 1)
    expect(found).toMatch(/^(encoder|decoder)\S*: .* holds (NaN|-?Infinity)/)
  })

  it('is told nothing if all goes well', async () => {
    expect(
      await diagnose(device.gpu, beginWith(0.001), model.parameters, initialState(), scans, 2),
    ).toBeUndefined()
  })
})

it('refuses a scan with a NaN or an infinity by its name', async () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const data = scans[0]!.data.slice()
    data[17] = bad
    const variables = new Variables(device.gpu)
    const trainer = beginWith(0.001)(variables, beginning)
    const steps = trainer.train([{ name: 'bad.nii', data }])
    await expect(steps.next()).rejects.toThrow(`bad.nii: voxel 17 is ${bad}; replace it`)
    trainer.dispose()
    variables.dispose()
  }
})

it('names the first tensor that is not finite', () => {
  const { tensors } = initialState({ name: 'encoder.block1.bias', number: NaN })
  expect(() => { requireFiniteTensors('training', 12, tensors) }).toThrow(DivergedError) // prettier-ignore
  expect(() => { requireFiniteTensors('training', 12, tensors) }).toThrow('training diverged by step 12: encoder.block1.bias is not finite') // prettier-ignore
  requireFiniteTensors('training', 12, initialState().tensors)
})
