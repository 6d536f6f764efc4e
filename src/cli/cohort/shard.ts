import { InvalidArgumentError, Option } from 'commander'
import { naturally } from './natural-order.js'

/** One of several runs that divide the scans of a command among them. */
export interface Shard {
  /** From 1. */
  readonly index: number
  readonly count: number
}

export const shardOption = (): Option =>
  new Option(
    '--shard <i/n>',
    'only the i-th of n equal parts of the scans, so that n runs with the same arguments share the work and one -o; slurm: by the task of a Slurm job array',
  ).argParser(parseShard)

function parseShard(text: string): Shard {
  if (text === 'slurm') return slurmShard(process.env)
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  const shard = { index: Number(index), count: Number(count) }
  if (isShard(shard)) return shard
  throw new InvalidArgumentError('It must be i/n with i from 1 to n, such as 1/4, or slurm.')
}

/** The part that a task of a Slurm job array takes, whatever number the array begins with. */
function slurmShard(environment: Readonly<Record<string, string | undefined>>): Shard {
  const number = (name: string, otherwise?: number): number => {
    const text = environment[`SLURM_ARRAY_TASK_${name}`]
    if (text === undefined && otherwise !== undefined) return otherwise
    return text === undefined || text.trim() === '' ? NaN : Number(text)
  }
  const count = number('COUNT')
  const index = (number('ID') - number('MIN', 1)) / number('STEP', 1) + 1
  if (isShard({ index, count })) return { index, count }
  throw new InvalidArgumentError(
    'It needs SLURM_ARRAY_TASK_ID, _COUNT and _MIN of a Slurm job array; start it with sbatch --array=1-N.',
  )
}

function isShard({ index, count }: Shard): boolean {
  return Number.isInteger(index) && Number.isInteger(count) && index >= 1 && index <= count
}

/** The part of the scans that is a shard's: every n-th in natural order of their paths, in the order given. */
export function shardOf<T extends { readonly scan: string }>(
  all: readonly T[],
  shard: Shard | undefined,
): T[] {
  if (!shard) return [...all]
  const sorted = all.toSorted((a, b) => naturally(a.scan, b.scan))
  const own = new Set(sorted.filter((_, i) => i % shard.count === shard.index - 1))
  return all.filter((one) => own.has(one))
}
