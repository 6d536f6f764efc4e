import { basename } from 'node:path'

/** The command that this process is: `sae`, or `sae-bids`, whatever link it was called by. */
export const programName =
  basename(process.argv[1] ?? '').replace(/\.js$/, '') === 'sae-bids' ? 'sae-bids' : 'sae'
