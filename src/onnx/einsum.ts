import { matmul, reshape, sum, transpose } from '../ops/index.js'
import type { Value } from '../graph/value.js'
import type { Call, Operator } from './call.js'
import { asFlat, tensorOf } from './tensor.js'

/** Einstein sums of two operands, as attention has them: `bhid,bhjd->bhij`. */
export const einsum: Readonly<Record<string, Operator>> = {
  Einsum: {
    weights: [0, 1],
    build: (call) => {
      const equation = call.text('equation', '').replace(/\s/g, '')
      const [, left, right, result] = /^([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]*)$/.exec(equation) ?? []
      if (left === undefined || right === undefined || result === undefined || call.count !== 2)
        return call.refuse('equation')
      if ([left, right, result].some((letters) => new Set(letters).size !== letters.length))
        return call.refuse('equation')
      const extents = new Map<string, number>()
      const a = operandOf(call, 0, left, extents)
      const b = operandOf(call, 1, right, extents)
      if (Array.from(result).some((letter) => !extents.has(letter))) return call.refuse('equation')
      return product(a, b, result, extents)
    },
  },
}

/** An operand with a letter for each axis. */
interface Lettered {
  readonly letters: string
  readonly value: Value
}

function operandOf(call: Call, index: number, letters: string, extents: Map<string, number>): Lettered {
  const { dims } = call.device(index)
  if (dims.length !== letters.length) call.fail(`${letters} are not the axes of [${dims.join(', ')}]`)
  dims.forEach((n, axis) => {
    const known = extents.get(letters[axis]!) ?? n
    if (known !== n) call.fail(`axis ${letters[axis]!} has ${known} and ${n} elements`)
    extents.set(letters[axis]!, n)
  })
  return { letters, value: asFlat(call.device(index)) }
}

/** As a product of matrices [batch, rows, inner] and [batch, inner, columns]. */
function product(first: Lettered, second: Lettered, result: string, extents: ReadonlyMap<string, number>) {
  const [a, b] = [summed(first, second.letters + result), summed(second, first.letters + result)]
  const of = (test: (letter: string) => boolean) => [...new Set(a.letters + b.letters)].filter(test)
  const [inA, inB] = [(l: string) => a.letters.includes(l), (l: string) => b.letters.includes(l)]
  const kept = (letter: string) => result.includes(letter)
  const batch = of((l) => inA(l) && inB(l) && kept(l))
  const inner = of((l) => inA(l) && inB(l) && !kept(l))
  const [rows, columns] = [of((l) => inA(l) && !inB(l)), of((l) => !inA(l) && inB(l))]
  const size = (letters: readonly string[]) => letters.reduce((n, letter) => n * extents.get(letter)!, 1)
  const matrices = ({ letters, value }: Lettered, order: readonly (readonly string[])[]) => {
    const axes = order.flat().map((letter) => letters.indexOf(letter))
    return reshape(axes.length < 2 ? value : transpose(value, axes), order.map(size), { layout: 'flat' })
  }
  const [left, right] = [matrices(a, [batch, rows, inner]), matrices(b, [batch, inner, columns])]
  const made = [...batch, ...rows, ...columns]
  const dims = made.map((letter) => extents.get(letter)!)
  const whole = reshape(matmul(left, right), dims.length === 0 ? [1] : dims, { layout: 'flat' })
  const order = Array.from(result).map((letter) => made.indexOf(letter))
  if (order.length < 2) return tensorOf(whole, dims)
  return tensorOf(transpose(whole, order))
}

/** Summed over the axes that neither the other operand nor the result has. */
function summed({ letters, value }: Lettered, others: string): Lettered {
  const axes = Array.from(letters, (_, axis) => axis).filter((axis) => !others.includes(letters[axis]!))
  if (axes.length === 0) return { letters, value }
  const rest = Array.from(letters)
    .filter((letter) => others.includes(letter))
    .join('')
  return { letters: rest, value: sum(value, { axes }) }
}
