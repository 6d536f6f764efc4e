import { InvalidArgumentError, Option } from 'commander'
import type { Range } from '../../sae/synth/acquisition.js'
import { realNumber, wholeNumber } from '../options.js'

/** Options of `sae synth`. */
export interface SynthOptions {
  count: number
  output: string
  contrast: string
  jitter?: number
  phantom?: boolean
  volume?: number
  deform: number
  rotate: number
  scale: number
  blur?: Range
  resolution?: [number, number, number]
  bias?: Range
  noise?: Range
  rician?: boolean
  rim?: Range
  every: number
  shape?: [number, number, number]
  like?: string
  classes?: string
  seed: number
  overwrite?: boolean
}

/** The options that say how far anatomies are deformed. */
export const deformationOptions = (): Option[] => [
  option('--deform <mm>', 'smooth deformation: standard deviation along each axis, 0 to 7.5', upTo(7.5), 3),
  option('--rotate <degrees>', 'largest rotation about each axis, 0 to 45', upTo(45), 5),
  option('--scale <percent>', 'largest change of size along each axis, 0 to 50', upTo(50), 5),
]

/** The options of the simulated scanner; those with a range draw a value for each scan. */
export const scannerOptions = (): Option[] => [
  option(
    '--blur <mm>',
    "standard deviation of the scanner's point spread, 0 to 20 (default: 0.8,1.2)",
    range(20),
  ),
  option(
    '--resolution <mm>',
    'voxel size of the simulated scanner, if larger than that of the scan: one number or three, such as 1,1,5',
    resolution,
  ),
  option(
    '--bias <b>',
    "standard deviation of the bias field's logarithm, 0 to 1 (default: 0,0.05)",
    range(1),
  ),
  option('--noise <s>', 'standard deviation of the noise, 0 to 1 (default: 0.005,0.01)', range(1)),
  new Option('--rician', 'noise as in magnitude images instead of Gaussian noise'),
  option(
    '--rim <mm>',
    'width of the rim that skull stripping leaves around the brain, 0 to 20 (default: 4,6)',
    range(20),
  ),
]

/** The options that choose the grid of the scans. */
export const gridOptions = (): Option[] => [
  option('--every <n>', 'make only every n-th voxel along each axis', wholeNumber(1), 1),
  option(
    '--shape <d,h,w>',
    'voxels along each axis, before --every (default: large enough for all brains; 64,80,64 for phantoms)',
    shape,
  ),
  new Option(
    '--like <file>',
    'make scans on the grid of this scan, label map or prior; label maps on that grid stay in place, other brains are moved to where its brain is',
  ).conflicts('shape'),
]

function option<T>(flags: string, description: string, parse: (text: string) => T, value?: T): Option {
  return new Option(flags, description).argParser(parse).default(value)
}

/** Argument parser: a number from 0 to `most`. */
export function upTo(most: number): (text: string) => number {
  return (text) => {
    const value = realNumber('not negative')(text)
    if (value <= most) return value
    throw new InvalidArgumentError(`It must be a number from 0 to ${most}.`)
  }
}

/** Argument parser: a number from 0 to `most`, or two such numbers, the lower first. */
function range(most: number): (text: string) => Range {
  return (text) => {
    const [low, high, ...others] = text.split(',').map(upTo(most))
    if (low !== undefined && high === undefined) return low
    if (low !== undefined && high !== undefined && low <= high && others.length === 0) return [low, high]
    throw new InvalidArgumentError('It must be a number, or two from low to high such as 0.01,0.03.')
  }
}

function resolution(text: string): [number, number, number] {
  const [d, h, w, ...others] = text.split(',').map(upTo(100))
  if (d !== undefined && h === undefined) return [d, d, d]
  if (d !== undefined && h !== undefined && w !== undefined && others.length === 0) return [d, h, w]
  throw new InvalidArgumentError('It must be one number or three such as 1,1,5.')
}

function shape(text: string): [number, number, number] {
  const [d, h, w, ...others] = text.split(/[,x]/).map(wholeNumber(1, 1024))
  if (d !== undefined && h !== undefined && w !== undefined && others.length === 0) return [d, h, w]
  throw new InvalidArgumentError('It must be three whole numbers such as 160,192,224.')
}
