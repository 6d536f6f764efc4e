/**
 * e^x for |x| up to 10, to 1e-9 of its value, from sums and products alone, which IEEE 754 rounds the same way
 * everywhere; `Math.exp` rounds differently in different engines.
 */
export function exponential(x: number): number {
  const t = x / 1024
  let power = 1 + t * (1 + (t / 2) * (1 + (t / 3) * (1 + t / 4)))
  for (let i = 0; i < 10; i++) power *= power
  return power
}
