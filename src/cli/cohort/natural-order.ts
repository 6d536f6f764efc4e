const collator = new Intl.Collator('en', { numeric: true })

/** Order of names in which `scan2` comes before `scan10`; the same on every machine. */
export function naturally(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : Number(a > b))
}
