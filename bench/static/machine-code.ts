/** What a driver says of one kernel, and what its machine code shows. */
export interface MachineCode {
  readonly vgprs: number
  readonly sgprs: number
  /** Registers that live in memory, scalar and vector. */
  readonly spills: number
  /** Subgroups that a SIMD holds at a time. */
  readonly waves: number
  readonly instructions: number
  readonly bytes: number
  /** Clock cycles from start to end of one wave, as the compiler estimates them; it guesses how often loops turn. */
  readonly latency: number
  /** Clock cycles for which one wave keeps its SIMD busy, estimated likewise. */
  readonly inverseThroughput: number
  /** Vector instructions, wherever they are. */
  readonly vector: number
  /** The innermost loop with most multiply-adds; undefined without loops. */
  readonly loop: Loop | undefined
}

/** Instructions of a loop, by kind. */
interface Loop {
  readonly multiplyAdds: number
  /** Other arithmetic of vector registers: addresses, moves, exchanges between lanes. */
  readonly otherVector: number
  readonly scalar: number
  readonly loads: number
}

/**
 * Reads what Mesa's RADV writes for one compute pipeline with RADV_DEBUG=shaderstats,asm.
 *
 * @throws Error if a figure is missing
 */
export function parseMachineCode(text: string): MachineCode {
  const figure = (name: string): number => {
    const found = new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`the driver printed no "${name}" for a kernel`)
    return Number(found)
  }
  const lines = codeOf(text)
  return {
    vgprs: figure('VGPRs'),
    sgprs: figure('SGPRs'),
    spills: figure('Spilled SGPRs') + figure('Spilled VGPRs'),
    waves: figure('Subgroups per SIMD'),
    instructions: figure('Instructions'),
    bytes: figure('Code size'),
    latency: figure('Latency'),
    inverseThroughput: figure('Inverse Throughput'),
    vector: lines.filter(isVector).length,
    loop: hottest(lines),
  }
}

/** Share of the multiply-adds among the vector instructions of the loop: what the arithmetic units do usefully. */
export function shareOf({ multiplyAdds, otherVector }: Loop): number {
  return multiplyAdds / Math.max(1, multiplyAdds + otherVector)
}

const multiplyAdd =
  /^v_(pk_)?(mac|mad|fma|fmac|madmk|madak|fmamk|fmaak)_(mix_|mixlo_|mixhi_)?(legacy_)?f(16|32)/
const isVector = (line: string) => line.startsWith('v_')

/** Labels and instructions of the disassembly, one a line. */
function codeOf(text: string): string[] {
  const [, listing = ''] = text.split(/^disasm:$/m)
  return listing
    .split('\n')
    .map((line) => line.split(';')[0]!.trim())
    .filter((line) => /^(BB\d+:|[a-z_]+\w* ?)/.test(line))
}

function hottest(lines: readonly string[]): Loop | undefined {
  const labels = new Map(lines.flatMap((line, i) => (/^BB\d+:/.test(line) ? [[line.slice(0, -1), i]] : [])))
  const loops = lines.flatMap((line, end) => {
    const target = /^s_c?branch\w* (BB\d+)/.exec(line)?.[1]
    const start = target === undefined ? undefined : labels.get(target)
    return start !== undefined && start <= end ? [{ start, end }] : []
  })
  // Several branches may lead back to one start; the last ends the loop.
  const whole = loops.filter(
    ({ start, end }) => !loops.some((other) => other.start === start && other.end > end),
  )
  const innermost = whole.filter(
    ({ start, end }) => !whole.some((other) => other.start > start && other.end <= end),
  )
  return innermost
    .map(({ start, end }) => count(lines.slice(start, end + 1)))
    .sort((a, b) => b.multiplyAdds - a.multiplyAdds || b.otherVector - a.otherVector)[0]
}

function count(lines: readonly string[]): Loop {
  const of = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
  const multiplyAdds = of(multiplyAdd)
  return {
    multiplyAdds,
    otherVector: lines.filter(isVector).length - multiplyAdds,
    scalar: of(/^s_(?!load|buffer_load|waitcnt|nop)/),
    loads: of(/^(s_load|s_buffer_load|buffer_load|global_load|flat_load|ds_read|ds_load)/),
  }
}
