import type { Trace } from '../gpu/trace.js'

/**
 * Environment variable that shows more on stderr: stack traces and what drivers say, whatever its value; with
 * `shaders` the WGSL of every kernel, with `plan` the dispatches of every plan, with `shaders,plan` both.
 */
export const debugVariable = 'SAE_DEBUG'

/** What SAE_DEBUG asks to be shown, on stderr. */
export function traceOf(wanted = process.env[debugVariable] ?? ''): Trace {
  const show = (text: string): void => {
    process.stderr.write(`${text}\n`)
  }
  const parts = wanted.split(',')
  return {
    ...(parts.includes('shaders') ? { shader: show } : {}),
    ...(parts.includes('plan') ? { plan: show } : {}),
  }
}
