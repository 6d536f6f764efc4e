import { functions } from '../generated/functions.js'
import type { ShaderSource } from './shader.js'

/**
 * A kernel of a program with the text of the files that it includes: its own, or the engine's functions.
 *
 * @throws Error if there is no such file
 */
export function withIncludes({ name, text, includes = {} }: ShaderSource): ShaderSource {
  const files = { ...functions, ...includes }
  const replaced = text.replace(/^[ \t]*\/\/ #include (\S+)$/gm, (_, file: string) => {
    const included = files[file]
    if (included === undefined) throw new Error(`shader ${name}: no shader ${file} to include`)
    return included
  })
  return { name, text: replaced }
}
