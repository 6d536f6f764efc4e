import { UserError } from '../../errors.js'

/** The valid neighbourhoods of an MRF, for messages. */
export const neighbourhoodRule = 'an odd number from 3 to 21'

/** Whether k voxels can be the edge length of an MRF's neighbourhood. */
export function isNeighbourhood(k: number): boolean {
  return Number.isInteger(k) && k % 2 === 1 && k >= 3 && k <= 21
}

/** @throws UserError if k cannot be the edge length of an MRF's neighbourhood */
export function requireNeighbourhood(k: number): void {
  if (!isNeighbourhood(k)) throw new UserError(`the MRF neighbourhood must be ${neighbourhoodRule}, not ${k}`)
}

/** Voxels from the centre of a neighbourhood to its sides. @throws UserError if k cannot be its edge length */
export function neighbourhoodRadius(k: number): number {
  requireNeighbourhood(k)
  return (k - 1) / 2
}
