import { codeOf, fileError } from '../../io/file-error.js'
import { programName } from '../program-name.js'

/**
 * Runs a command line program and sets the exit code of the process.
 *
 * @param load imports the program: late, so that a missing package can be named. The command's packages are optional: a
 *   page needs none of them.
 */
export async function runMain(
  load: () => Promise<{ readonly runProgram: () => Promise<number> }>,
): Promise<void> {
  outliveReaders()
  try {
    const { runProgram } = await load()
    const code = await runProgram()
    if (code !== 0) process.exitCode = code
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined) throw error
    process.stderr.write(
      `${programName}: the package ${missing} is not installed; install sae-webgpu without --omit=optional\n`,
    )
    process.exitCode = 2
  }
}

/**
 * Whoever reads our output may stop early (`sae train ... | head -3`), and the disk of a log may fill up. Neither ends
 * the work, whose results are files; but output that is lost is a failure.
 */
function outliveReaders(): void {
  process.stdout.on('error', (error) => {
    if (codeOf(error) === 'EPIPE' || process.exitCode === 2) return
    process.exitCode = 2
    const { message } = fileError(error, 'standard output', 'cannot be written') as Error
    process.stderr.write(`${programName}: ${message}\n`)
  })
  process.stderr.on('error', () => undefined) // there is nowhere left to say it
}

function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined
}
