import { basename } from 'node:path'

/** The command that this process is: `sae`, or `sae-bids`, whatever link it was called by. */
export const programName =
  basename(process.argv[1] ?? '').replace(/\.js$/, '') === 'sae-bids' ? 'sae-bids' : 'sae'

/** What names the output folder of a command line, for messages: another one is to be given. */
export const outputName = programName === 'sae-bids' ? 'output_dir' : '-o'
