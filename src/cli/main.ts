#!/usr/bin/env node
// Whoever reads our output may stop early: `sae evaluate ... | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

// Imported late, so that a missing package can be named. The command's packages are optional: a page needs none of them.
try {
  const { runProgram } = await import('./program.js')
  const code = await runProgram()
  if (code !== 0) process.exitCode = code
} catch (error) {
  const missing = missingPackage(error)
  if (missing === undefined) throw error
  process.stderr.write(
    `sae: the package ${missing} is not installed; install sae-webgpu without --omit=optional\n`,
  )
  process.exitCode = 2
}

function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined
}
