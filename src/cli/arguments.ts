import { UserError } from '../errors.js'

/**
 * Refuses arguments that would be taken, but that nobody means: `-o=out`, which names the folder `=out`, and empty ones,
 * which a shell makes of a variable that is not set.
 *
 * @param args what follows the name of the program
 * @throws UserError
 */
export function requireMeant(args: readonly string[]): void {
  const end = args.indexOf('--')
  const options = end === -1 ? args : args.slice(0, end)
  for (const given of options) {
    const [, option, value] = /^(-[a-zA-Z])=(.*)$/.exec(given) ?? []
    if (option !== undefined)
      throw new UserError(`${given}: write ${option} ${value === '' ? 'VALUE' : value}, without =`)
  }
  const empty = args.indexOf('')
  if (empty === -1) return
  const before = empty === 0 ? 'the first argument' : `the argument after ${args[empty - 1]}`
  throw new UserError(`${before} is empty; is a variable of the shell not set?`)
}
