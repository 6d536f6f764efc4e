/**
 * Something the user can mend: a missing file, an odd kernel size, a prior of another shape.
 *
 * The message is one line that says what is wrong, where, and what to do. Command-line programs print it
 * without a stack trace and exit with code 2.
 */
export class UserError extends Error {
  /** Always `UserError`, so that it can be distinguished from other errors without `instanceof`. */
  override readonly name = 'UserError'
}
