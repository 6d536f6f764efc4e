import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const example = readFileSync(path('examples/custom-op/main.mjs'), 'utf8')
const page = readFileSync(path('docs/embedding.md'), 'utf8')

describe('docs/embedding.md', () => {
  it('is the example, block by block and in the same order', () => {
    const blocks = [...page.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, block]) => block!)
    expect(blocks.length).toBeGreaterThan(5)
    expect(codeOf(blocks.join('\n'))).toEqual(codeOf(example))
  })
})

/** The lines of a program, without its headings and what only the repository needs. */
function codeOf(program: string): string[] {
  return program.split('\n').filter((line) => line !== '' && !/^\/[/*]/.test(line))
}

describe('examples/custom-op/main.mjs', () => {
  it('runs with the built package, learns, and leaves nothing behind', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [path('examples/custom-op/main.mjs')])
    const [before, after] = /mean error: ([\d.]+) before, ([\d.]+) after/.exec(stdout)!.slice(1).map(Number)
    expect(before).toBeGreaterThan(0.2)
    expect(after).toBeLessThan(0.3 * before!)
    expect(stdout).toContain('buffers of the engine left: 0')
    const resumed = [...stdout.matchAll(/resumed (.+), without a break (.+)/g)]
    expect(resumed).toHaveLength(3)
    for (const [, value, expected] of resumed) expect(value).toBe(expected)
    const losses = [...stdout.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss))
    const [first, last] = /last layer alone: ([\d.]+) to ([\d.]+)/.exec(stdout)!.slice(1).map(Number)
    expect(last).toBeLessThan(first!)
    expect(losses.length).toBe(4)
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
  })
})
