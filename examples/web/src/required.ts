import { UserError } from 'sae-webgpu'

/** A value that must be there. @param otherwise one line for the visitor @throws UserError with that line */
export function required<T>(value: T | undefined, otherwise: string): T {
  if (value === undefined) throw new UserError(otherwise)
  return value
}
