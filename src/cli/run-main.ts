import { programName } from './program-name.js'

/**
 * Runs a command line program and sets the exit code of the process.
 *
 * @param load imports the program: late, so that a missing package can be named. The command's packages are optional: a
 *   page needs none of them.
 */
export async function runMain(
  load: () => Promise<{ readonly runProgram: () => Promise<number> }>,
): Promise<void> {
  // Whoever reads our output may stop early: `sae evaluate ... | head -1`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
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

function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined
}
