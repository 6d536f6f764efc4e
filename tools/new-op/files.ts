import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The target of each template in this folder; KEBAB and SNAKE stand for the name of the op. */
const targets = {
  'op.ts.txt': 'src/ops/KEBAB.ts',
  'forward.wgsl.txt': 'shaders/SNAKE/forward.wgsl',
  'backward.wgsl.txt': 'shaders/SNAKE/backward.wgsl',
  'reference.ts.txt': 'test/reference/KEBAB.ts',
  'test.ts.txt': 'test/ops/KEBAB.test.ts',
}

/**
 * The files of a new element-wise op, by path.
 *
 * @param name in kebab case, such as `log-sum-exp`
 * @throws Error if the name is not in kebab case
 */
export function filesOf(name: string): ReadonlyMap<string, string> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(`the name of an op must be in kebab case, such as log-sum-exp, not "${name}"`)
  }
  const named = (text: string): string =>
    text
      .replaceAll('KEBAB', name)
      .replaceAll('SNAKE', name.replaceAll('-', '_'))
      .replaceAll('CAMEL', camelCase(name))
  return new Map(
    Object.entries(targets).map(([template, path]) => [
      named(path),
      named(readFileSync(join(import.meta.dirname, template), 'utf8')),
    ]),
  )
}

/** The line that src/ops/index.ts needs for an op. */
export function exportLine(name: string): string {
  return `export { ${camelCase(name)} } from './${name}.js'\n`
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
