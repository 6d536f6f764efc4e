/** What `npm run new:op` writes: checked by the compiler as if it lay in the repository. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { exportLine, filesOf } from '../../tools/new-op/files.js'
import { root } from './installed.js'

/** Messages of the compiler about these files, which need not exist. */
function errorsOf(files: ReadonlyMap<string, string>, roots: readonly string[]): string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const [readFile, fileExists] = [host.readFile.bind(host), host.fileExists.bind(host)]
  const texts = new Map([...files].map(([path, text]) => [join(root, path), text]))
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  host.getSourceFile = (path, version) => {
    const text = host.readFile(path)
    return text === undefined ? undefined : ts.createSourceFile(path, text, version)
  }
  const paths = roots.map((path) => join(root, path))
  const program = ts.createProgram(paths, options, host)
  return paths
    .flatMap((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('npm run new:op', () => {
  const files = filesOf('hard-swish')

  it('writes the files of one stem', () => {
    expect([...files.keys()]).toEqual([
      'src/ops/hard-swish.ts',
      'shaders/hard_swish/forward.wgsl',
      'shaders/hard_swish/backward.wgsl',
      'test/reference/hard-swish.ts',
      'test/ops/hard-swish.test.ts',
    ])
    for (const text of files.values()) expect(text).not.toMatch(/KEBAB|SNAKE|CAMEL/)
  })

  it('writes an op that compiles against the library as it is', () => {
    const read = (path: string) => readFileSync(join(root, path), 'utf8')
    const constant = (name: string) => `export const ${name}: ShaderSource = { name: '${name}', text: '' }\n`
    const shaders = ['hardSwishForward', 'hardSwishBackward'].map(constant).join('')
    const all = new Map([
      ...files,
      ['src/generated/shaders.ts', read('src/generated/shaders.ts') + shaders],
      ['src/ops/index.ts', read('src/ops/index.ts') + exportLine('hard-swish')],
    ])
    // An error of its own shows that errors are found.
    const wrong = ['test/wrong.ts', 'export const wrong: number = true\n'] as const
    const sources = [...files.keys(), wrong[0]].filter((path) => path.endsWith('.ts'))
    expect(errorsOf(new Map([...all, wrong]), sources)).toEqual([
      "Type 'boolean' is not assignable to type 'number'.",
    ])
  })

  it('refuses names in another case', () => {
    for (const name of ['hardSwish', 'hard_swish', '-hard', 'Hard'])
      expect(() => filesOf(name)).toThrow('kebab case')
  })
})
