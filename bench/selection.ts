// npx tsx bench/selection.ts: which criterion, without labels, picks the best epoch? Trains on phantoms, tracks the Dice
// on other phantoms, and reports for each criterion how far the epoch that it picks lies below the best one, and the rank
// correlation over epochs.
import { Variables } from '../src/plan/variables.js'
import type { Gpu } from '../src/gpu/gpu.js'
import { openGpu } from '../src/node/index.js'
import { jointCost } from '../src/sae/assessment/joint-cost.js'
import { overlapOf } from '../src/sae/assessment/overlap.js'
import { meanOfKnown } from '../src/sae/mean.js'
import { createModel } from '../src/sae/model.js'
import { makePhantom, phantomTable, type PhantomSubject } from '../src/sae/phantom/phantom.js'
import { Pretrainer } from '../src/sae/training/pretrainer.js'
import { priorFromLabels } from '../src/sae/prior/prior-from-labels.js'
import type { Prior } from '../src/sae/prior/prior.js'
import { Segmenter } from '../src/sae/segmenter.js'
import { profiledLoss } from '../src/sae/training/selection.js'
import { defaultPretraining, defaultTraining, type TrainingSettings } from '../src/sae/settings.js'
import { Trainer, type TrainingStep } from '../src/sae/training/trainer.js'

const shape = [24, 32, 32] as const
const K = phantomTable.classes.length
const epochs = 40
/** The published objective, and variants of it. */
const variants: readonly Partial<TrainingSettings>[] = [
  { learningRate: 0.005 },
  { learningRate: 0.005, sigma: 'continuous' },
  { learningRate: 0.02 },
  { learningRate: 0.005, beta: 0.05 },
]

/** Dice and criteria after an epoch; for criteria, lower is better. */
interface Epoch {
  readonly dice: number
  readonly loss: number
  readonly profiled: number
  readonly costLearnt: number
  readonly costHeldOut: number
}
const criteria = ['loss', 'profiled', 'costLearnt', 'costHeldOut'] as const

const gpu = await openGpu()
const runs: Epoch[][] = []
for (const seed of [1, 2, 3]) {
  for (const variant of variants) {
    const run = await train(gpu, seed, variant)
    runs.push(run)
    console.log(JSON.stringify({ seed, ...variant }), describe(run))
  }
}
console.log('\nmean over runs')
for (const criterion of criteria) {
  const shortfalls = runs.map((run) => shortfall(run, criterion))
  const correlations = runs.map((run) => rankCorrelation(run, criterion))
  console.log(
    `${criterion.padEnd(12)} shortfall ${meanOfKnown(shortfalls)!.toFixed(3)}, correlation ${meanOfKnown(correlations)!.toFixed(2)}`,
  )
}
console.log(
  `last epoch   shortfall ${meanOfKnown(runs.map((run) => best(run) - run.at(-1)!.dice))!.toFixed(3)}`,
)
gpu.dispose()

async function train(gpu: Gpu, seed: number, variant: Partial<TrainingSettings>): Promise<Epoch[]> {
  const { subjects, unpaired } = makePhantom({ shape, seed, subjects: 4 })
  const [learnt, heldOut] = [subjects.slice(0, 2), subjects.slice(2)]
  const data = priorFromLabels(unpaired.labels, shape, K, { sigma: 1, floor: 1e-4 })
  const prior: Prior = { data, classes: K, shape }
  const scans = learnt.map(({ scan }, i) => ({ name: `phantom ${i}`, data: scan }))
  const model = createModel({ classes: K, widths: [4, 16, 32, 64], instanceNorm: true }, seed)
  const variables = new Variables(gpu)
  const pretraining = { ...defaultPretraining, epochs: 40, seed, learningRate: 0.02 }
  const pretrainer = new Pretrainer(gpu, model, variables, prior, pretraining)
  const pretrainingSteps = pretrainer.train(scans)
  while (!(await pretrainingSteps.next()).done);
  pretrainer.dispose()

  const trainer = new Trainer(gpu, model, variables, prior, { ...defaultTraining, epochs, seed, ...variant })
  const segmenter = await Segmenter.create(gpu, model, variables, prior)
  const done: Epoch[] = []
  let steps: TrainingStep[] = []
  for await (const step of trainer.train(scans)) {
    steps.push(step)
    if (!step.lastOfEpoch) continue
    const over = (of: (step: TrainingStep) => number) => meanOfKnown(steps.map(of))!
    const terms = {
      meanSquaredError: over((step) => step.meanSquaredError),
      klLoss: over((step) => step.klLoss),
      mrfLoss: over((step) => step.mrfLoss),
    }
    const own = await score(segmenter, prior, learnt)
    const others = await score(segmenter, prior, heldOut)
    done.push({
      dice: others.dice,
      loss: over((step) => step.loss),
      profiled: profiledLoss(terms, data.length / K),
      costLearnt: own.cost,
      costHeldOut: others.cost,
    })
    steps = []
  }
  trainer.dispose()
  segmenter.dispose()
  variables.dispose()
  return done
}

async function score(segmenter: Segmenter, prior: Prior, subjects: readonly PhantomSubject[]) {
  const [dice, cost]: [number[], number[]] = [[], []]
  for (const { scan, labels } of subjects) {
    const { classes } = await segmenter.segment(scan)
    dice.push(overlapOf(classes, labels, phantomTable).mean!)
    cost.push(jointCost(prior, scan, classes))
  }
  return { dice: meanOfKnown(dice)!, cost: meanOfKnown(cost)! }
}

function best(run: readonly Epoch[]): number {
  return Math.max(...run.map(({ dice }) => dice))
}

function shortfall(run: readonly Epoch[], criterion: (typeof criteria)[number]): number {
  const picked = run.reduce((least, epoch) => (epoch[criterion] < least[criterion] ? epoch : least))
  return best(run) - picked.dice
}

/** Spearman's rank correlation of the Dice with the negative criterion. */
function rankCorrelation(run: readonly Epoch[], criterion: (typeof criteria)[number]): number {
  const [a, b] = [ranks(run.map((epoch) => -epoch[criterion])), ranks(run.map(({ dice }) => dice))]
  const centre = (run.length - 1) / 2
  const sum = (f: (i: number) => number) => run.reduce((total, _, i) => total + f(i), 0)
  return sum((i) => (a[i]! - centre) * (b[i]! - centre)) / sum((i) => (a[i]! - centre) ** 2)
}

function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!)
  return values.map((_, i) => order.indexOf(i))
}

function describe(run: readonly Epoch[]): string {
  const picks = criteria.map((name) => `${name} -${shortfall(run, name).toFixed(3)}`)
  return `first ${run[0]!.dice.toFixed(3)}, last ${run.at(-1)!.dice.toFixed(3)}, best ${best(run).toFixed(3)}; picked by ${picks.join(', ')}`
}
