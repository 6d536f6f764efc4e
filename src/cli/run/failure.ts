import { CommanderError } from 'commander'
import { printable, UserError } from '../../errors.js'
import { programName } from '../program-name.js'

/**
 * Tells the user in one line why a command failed; returns the exit code.
 *
 * @param command how it is called, for whoever left out an argument. Default: the program
 */
export function exitCodeOf(error: unknown, command: string = programName): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0 // --help or --version, already printed
    // `sae` alone: Commander has shown the help.
    const hint = error.code === 'commander.missingArgument' ? `; see ${command} --help` : ''
    if (error.code !== 'commander.help') say(error.message.replace(/^error: /, '') + hint)
    return 2
  }
  if (error instanceof UserError) {
    say(error.message)
    return 2
  }
  // Disk full, permission withdrawn and the like: the message says what and where.
  if (error instanceof Error && 'syscall' in error) {
    say(error.message)
    return 2
  }
  // A header may honestly declare more than this machine has.
  if (error instanceof RangeError && /allocation failed|Invalid typed array length/.test(error.message)) {
    say('not enough memory on this machine for these inputs; use smaller ones, or --every')
    return 2
  }
  const reason = error instanceof Error ? error.message : String(error)
  if (process.env.SAE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? reason}\n`)
  say(`unexpected error: ${firstLine(reason)} (please report it with the output of SAE_DEBUG=1)`)
  return 1
}

function say(message: string): void {
  process.stderr.write(`${programName}: ${printable(message.trim().replace(/\s*\n\s*/g, ' '))}\n`)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
