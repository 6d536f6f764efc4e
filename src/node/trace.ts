import type { Trace } from '../gpu/trace.js'

/**
 * Environment variable for more output on stderr. Any value shows stack traces and the drivers' messages; `shaders`
 * adds the WGSL of every kernel, `plan` the dispatches of every plan, and `shaders,plan` both.
 */
export const debugVariable = 'SAE_DEBUG'

/** The trace that SAE_DEBUG asks for, on stderr. */
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
