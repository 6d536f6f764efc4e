import type { Gpu } from '../../src/gpu/gpu.js'
import { openGpu } from '../../src/node/index.js'
import { Segmenter } from '../../src/sae/segmenter.js'
import { prior, scans, TinyTraining } from './tiny-training.js'
import { collectAll, Usage } from './usage.js'
import { constant, flat, type Verdict } from './verdict.js'

/**
 * Most growth over the second half of a run: resident memory in megabytes, time as a share of its median. Of the memory of
 * a closed device the allocator keeps some for the next.
 */
const mostGrowth = { resident: 8, residentOfDevices: 50, time: 0.25 }
/** About as many samples are taken of a long run; of a short one, one after each piece of work. */
const samples = 200

const sampledEvery = (count: number): number => Math.max(1, Math.floor(count / samples))

function steady(
  what: string,
  per: string,
  { buffers, bufferBytes, resident, milliseconds }: Usage,
): Verdict[] {
  return [
    constant(`${what}: live buffers`, buffers),
    constant(`${what}: bytes in live buffers`, bufferBytes),
    flat(`${what}: resident memory`, { samples: resident, unit: 'MB', per, limit: mostGrowth.resident }),
    flat(`${what}: time`, { samples: milliseconds, unit: 'ms', per, limit: mostGrowth.time, relative: true }),
  ]
}

/** One long training run, then everything released. */
export async function trainLong(gpu: Gpu, steps: number): Promise<Verdict[]> {
  const training = new TinyTraining(gpu, steps)
  await training.prepare()
  const usage = new Usage(sampledEvery(steps), gpu)
  for await (const { step } of training.steps()) await usage.after(step)
  training.dispose()
  return [
    ...steady(`${steps} training steps`, 'step', usage),
    constant('live buffers after training', [{ at: steps, value: gpu.buffers.count }], 0),
  ]
}

/** Segments again and again, each time with a segmenter of its own, and expects the same classes. */
export async function segmentOften(gpu: Gpu, count: number): Promise<Verdict[]> {
  const training = new TinyTraining(gpu, 2)
  await training.digest()
  const { model, variables } = training
  const usage = new Usage(sampledEvery(count), gpu)
  let first: Uint8Array | undefined
  let others = 0
  for (let done = 1; done <= count; done++) {
    const segmenter = await Segmenter.create(gpu, model, variables, prior, { rounds: 1 })
    const { classes } = await segmenter.segment(scans[0]!.data)
    segmenter.dispose()
    first ??= classes
    if (Buffer.compare(classes, first) !== 0) others++
    await usage.after(done)
  }
  training.dispose()
  const what = `${count} segmentations`
  return [
    ...steady(what, 'segmentation', usage),
    constant(`${what}: that differ from the first`, [{ at: count, value: others }], 0),
    constant('live buffers after segmenting', [{ at: count, value: gpu.buffers.count }], 0),
  ]
}

/** Opens a device, trains two steps on it and closes it, again and again; none may stay in memory. */
export async function openOften(count: number): Promise<Verdict[]> {
  const usage = new Usage(1)
  const left = []
  const devices = []
  for (let done = 1; done <= count; done++) {
    const { device, buffers } = await openOnce()
    devices.push(device)
    left.push({ at: done, value: buffers })
    await usage.after(done)
  }
  await collectAll()
  const kept = devices.filter((device) => device.deref()).length
  const what = `${count} devices`
  const limit = mostGrowth.residentOfDevices
  return [
    constant(`${what}: live buffers before each is closed`, left, 0),
    constant(`${what}: still in memory afterwards`, [{ at: count, value: kept }], 0),
    flat(`${what}: resident memory`, { samples: usage.resident, unit: 'MB', per: 'device', limit }),
  ]
}

/** The device that was closed, and how many buffers were live before. */
async function openOnce() {
  const gpu = await openGpu()
  const training = new TinyTraining(gpu, 2)
  await training.digest()
  training.dispose()
  const buffers = gpu.buffers.count
  gpu.dispose()
  return { device: new WeakRef(gpu.device), buffers }
}
