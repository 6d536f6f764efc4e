/** Three phantoms with a prior, and an architecture small enough to train on them in a test. */
import type { Prior } from '../../../src/sae/prior/prior.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'

const shape: [number, number, number] = [17, 18, 16]
const { subjects, unpaired } = makePhantom({ seed: 2, shape, subjects: 3 })
const classes = phantomTable.classes.length

export const scans = subjects.map(({ scan, labels }, i) => ({ name: `s${i}`, data: scan, truth: labels }))
export const prior: Prior = {
  data: priorFromLabels(unpaired.labels, shape, classes, { floor: 1e-4 }),
  classes,
  shape,
}
export const architecture = { classes, widths: [4, 8, 16], instanceNorm: false }
