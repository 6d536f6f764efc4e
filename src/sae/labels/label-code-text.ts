import { printable, UserError } from '../../errors.js'
import { isCode, maxCode } from './label-table.js'

/** A label value. @throws UserError */
export function parseCode(text: string, where: string): number {
  if (!/^\d+$/.test(text))
    throw new UserError(
      `${where}: ${printable(text).slice(0, 48)} is not a code; codes are non-negative integers`,
    )
  const code = Number(text)
  if (isCode(code)) return code
  throw new UserError(`${where}: the code ${text.slice(0, 48)} is too large; codes end at ${maxCode}`)
}

/** Adds `42` to the codes, or `1000-1035` to the ranges; the first code of all represents the class. @throws UserError */
export function addCode(text: string, where: string, codes: number[], ranges: [number, number][]): void {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? []
  if (first === undefined || last === undefined) {
    codes.push(parseCode(text, where))
    return
  }
  ranges.push([parseCode(first, where), parseCode(last, where)])
  if (codes.length === 0) codes.push(ranges[0]![0])
}
