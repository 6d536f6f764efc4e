import * as generated from '../src/generated/shaders.js'
import type { ShaderSource } from '../src/gpu/shader.js'

const { functions, ...constants } = generated

/** Every kernel that the package embeds, by the name of its constant. */
export const embedded: Readonly<Record<string, ShaderSource>> = constants

/** The text of every embedded file, by its path under shaders/ without the extension. */
export const shaderSources: Readonly<Record<string, string>> = {
  ...functions,
  ...Object.fromEntries(Object.values(embedded).flatMap(({ includes = {} }) => Object.entries(includes))),
  ...Object.fromEntries(Object.values(constants).map(({ name, text }) => [name, text])),
}
