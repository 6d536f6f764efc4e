import { makePhantom, phantomTable } from '../src/sae/phantom/phantom.js'
import { Random } from '../src/sae/phantom/random.js'
import { priorFromLabels } from '../src/sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../src/sae/shape.js'
import { contrastModel } from '../src/sae/synth/intensities.js'
import { Synthesiser, type SynthesisOptions } from '../src/sae/synth/synthesiser.js'
import { median, short, table, type Row } from './harness.js'

/** CPU milliseconds of a call, median of several after two to warm up: wall-clock time would include other programs. */
function processorTime(work: () => unknown, samples: number): number {
  work()
  work()
  const times = Array.from({ length: samples }, () => {
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  })
  return median(times)
}

function measure(shape: SpatialShape, spacing: SpatialShape, samples: number): Row {
  const classes = makePhantom({ shape, subjects: 1 }).unpaired.labels
  const K = phantomTable.classes.length
  const prior = { data: priorFromLabels(classes, shape, K), classes: K, shape }
  const common = {
    intensities: (random: Random) => contrastModel('random', phantomTable, random),
    spacing,
    shape,
    displacement: 3,
    rotation: 10,
    scale: 0.1,
  }
  const random = new Random(1)
  const time = (options: SynthesisOptions): string => {
    const synthesiser = new Synthesiser(options)
    return short(processorTime(() => synthesiser.draw(random), samples))
  }
  return {
    voxels: shape.join('x'),
    'from a label map, ms': time({ ...common, sources: [{ classes, shape }] }),
    'from a prior, ms': time({ ...common, sources: [{ prior }] }),
  }
}

console.log('Processor time of one synthetic scan (affine and smooth deformation, random contrast):\n')
console.log(
  table([
    measure([40, 48, 56], [4, 4, 4], 20),
    measure([80, 96, 112], [2, 2, 2], 5),
    measure([160, 192, 224], [1, 1, 1], 3),
  ]),
)
