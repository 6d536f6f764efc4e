/**
 * Lines that gather results in an indexed array `results`, so that a loop over it stores them.
 *
 * Drivers that compute on the CPU store lane by lane, which takes many instructions: unrolled stores of a large tile make up
 * most of its code, and of the time to compile it. On a GPU such an array may live in memory, so there stores are unrolled.
 *
 * The loop must not look short to the driver, which would unroll it: Mesa does so if a start, a step and a bound such as
 * `min(4, n)` allow few iterations. So it starts at an index that is not constant, or runs over all results at once.
 */
export function gatherResults(type: string, values: readonly string[]): string[] {
  return [
    `var results: array<${type}, ${values.length}>;`,
    ...values.map((value, i) => `results[${i}] = ${value};`),
  ]
}
