// Segments a scan with weights and a prior, all from files, and writes the labels on the scan's grid.
//
//   node examples/segment-file/main.mjs SCAN WEIGHTS PRIOR [OUTPUT]
//
// SCAN and PRIOR are .nii, .nii.gz, .npz or .npy on one grid; WEIGHTS is .safetensors or the reference release's
// .pth.tar. Without arguments, it makes all three in a temporary folder and prints the Dice.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  applyScaling,
  checkpointInfo,
  createModel,
  defaultPretraining,
  defaultTraining,
  diceScores,
  foregroundClasses,
  identityTable,
  loadTensors,
  makePhantom,
  meanDice,
  phantomTable,
  Pretrainer,
  priorFromLabels,
  saveCheckpoint,
  scalingFor,
  Segmenter,
  toClasses,
  toCodes,
  Trainer,
  Variables,
} from 'sae-webgpu'
import { alignTo, requireFinite, requireVaries, unknownGrid } from 'sae-webgpu/io'
import { openGpu, readTensors, readVolume, writeTensors, writeVolume } from 'sae-webgpu/node'

const gpu = await openGpu()
try {
  const [scanFile, weightsFile, priorFile, output = 'segmentation.nii.gz'] = process.argv.slice(2)
  if (scanFile === undefined) {
    const made = await makeFiles(gpu)
    const { classes, table } = await segmentFile(made.scan, made.weights, made.prior, made.output)
    const truth = toClasses((await readVolume(made.truth)).data, table)
    const scores = diceScores(classes, truth, table.classes.length)
    console.log(`mean Dice with the truth: ${meanDice(scores, foregroundClasses(table)).toFixed(3)}`)
  } else {
    if (priorFile === undefined) throw new Error('three files are needed: SCAN WEIGHTS PRIOR')
    await segmentFile(scanFile, weightsFile, priorFile, output)
  }
} finally {
  gpu.dispose()
}

async function segmentFile(scanFile, weightsFile, priorFile, output) {
  const read = await readVolume(scanFile)
  requireFinite(read)
  requireVaries(read)
  const prior = await readVolume(priorFile)
  // The scan's axes may be ordered or flipped differently from the prior's, but the voxels must coincide.
  const { volume: scan, remark } = alignTo(read, prior, 'the prior and the scan')
  if (remark) console.log(remark)

  // The file's metadata describe the network.
  const { tensors, metadata } = await readTensors(weightsFile)
  const { architecture, table, intensities } = checkpointInfo({ tensors, metadata }, weightsFile)
  const model = createModel(architecture)
  const variables = new Variables(gpu)
  loadTensors(variables, model.encoder.parameters, tensors, weightsFile)

  const segmenter = await Segmenter.create(gpu, model, variables, {
    data: prior.data,
    classes: prior.channels,
    shape: prior.grid.shape,
  })
  const { classes } = await segmenter.segment(applyScaling(scan.data, scalingFor(intensities, scan.data)))
  segmenter.dispose()
  variables.dispose()

  // Label files hold codes, not class numbers: use the codes of the weights' classes, if their file lists them.
  const labels = table ?? identityTable(architecture.classes)
  const data = Float32Array.from(toCodes(classes, labels))
  await writeVolume(output, { data, channels: 1, grid: scan.grid, source: output }, 'int16')
  console.log(`${scanFile} -> ${output}`)
  return { classes, table: labels }
}

/**
 * Writes phantom.nii.gz, its labels, a prior made from another phantom's labels, and weights, which are trained far too
 * briefly for real scans.
 */
async function makeFiles(gpu) {
  const folder = await mkdtemp(join(tmpdir(), 'segment-file-'))
  const path = (name) => join(folder, name)
  const shape = [24, 24, 24]
  const classes = phantomTable.classes.length
  const phantom = makePhantom({ seed: 1, shape, subjects: 3 })
  const prior = {
    data: priorFromLabels(phantom.unpaired.labels, shape, classes, { sigma: 1, floor: 0.02 }),
    classes,
    shape,
  }

  // No labels are used: the encoder first learns to predict the prior for every scan, then learns from the scans alone.
  const architecture = { classes, widths: [4, 16, 32, 64], instanceNorm: true }
  const model = createModel(architecture, 1)
  const variables = new Variables(gpu)
  const scans = phantom.subjects.map(({ scan }, i) => ({ name: `phantom ${i}`, data: scan }))
  await run(
    'pretraining',
    new Pretrainer(gpu, model, variables, prior, { ...defaultPretraining, epochs: 25, learningRate: 0.02 }),
    scans,
  )
  await run(
    'training',
    new Trainer(gpu, model, variables, prior, { ...defaultTraining, epochs: 15, learningRate: 0.005 }),
    scans,
  )
  const info = { architecture, table: phantomTable, intensities: 'unit', training: undefined }
  const { tensors, metadata } = await saveCheckpoint(variables, model.parameters, info)
  variables.dispose()

  const [{ scan, labels }] = phantom.subjects
  const write = (name, data, channels, type) =>
    writeVolume(path(name), { data, channels, grid: unknownGrid(shape), source: name }, type)
  await write('phantom.nii.gz', scan, 1, 'float32')
  await write('truth.nii.gz', Float32Array.from(toCodes(labels, phantomTable)), 1, 'int16')
  await write('prior.nii.gz', prior.data, classes, 'float32')
  await writeTensors(path('weights.safetensors'), tensors, metadata)
  return {
    scan: path('phantom.nii.gz'),
    truth: path('truth.nii.gz'),
    prior: path('prior.nii.gz'),
    weights: path('weights.safetensors'),
    output: path('segmentation.nii.gz'),
  }
}

async function run(name, trainer, scans) {
  const { epochs } = trainer.settings
  for await (const { epoch, lastOfEpoch, crossEntropy, loss } of trainer.train(scans)) {
    if (lastOfEpoch && epoch === epochs)
      console.log(`${name}, epoch ${epoch}: loss ${(crossEntropy ?? loss).toFixed(3)}`)
  }
  trainer.dispose()
}
