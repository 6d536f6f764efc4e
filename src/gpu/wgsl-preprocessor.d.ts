declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
  /** Template tag that resolves #if / #elif / #else / #endif; each condition is a template value. */
  export function wgsl(strings: readonly string[], ...values: unknown[]): string
}
