/** Every file under shaders/: its head, its text, and every kernel that its flags make, compiled on the device. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { functions } from '../../src/generated/functions.js'
import type { KernelKey } from '../../src/gpu/pipeline-cache.js'
import { specialise, storedBindings, threadsPerWorkgroup, type ShaderSource } from '../../src/gpu/shader.js'
import { useGpu } from '../gpu.js'
import { embedded, shaderSources as texts } from '../shader-sources.js'
import { variantsOf, type Flags } from './kernel-variants.js'

const device = useGpu()
const library = fileURLToPath(new URL('../../src', import.meta.url))

const kernels = [...texts].filter(([, text]) => text.includes('@compute'))
const included = [...texts].filter(([, text]) => !text.includes('@compute'))
const offered = ['common/linear', 'common/math', 'common/noise', 'common/workgroup_sum']

/** A file with the functions that it includes. */
const withIncludes = (text: string): string =>
  text.replace(/^[ \t]*\/\/ #include (\S+)$/gm, (_, name: string) => withIncludes(texts.get(name)!))

const flagsOf = (text: string): string[] => [
  ...new Set([...text.matchAll(/^\s*\/\/ #(?:if|elif) \$\{(\w+)\}/gm)].map(([, flag]) => flag!)),
]

/** Every assignment of true and false. */
const combinations = (flags: readonly string[]): Flags[] =>
  Array.from({ length: 2 ** flags.length }, (_, bits) =>
    Object.fromEntries(flags.map((flag, i) => [flag, (bits & (1 << i)) !== 0])),
  )

describe('the folder shaders/', () => {
  it('is what the package embeds, without comments and spaces: run npm run embed', () => {
    const code = (text: string) =>
      text
        .replace(/\/\/(?! #).*/g, '')
        .match(/\w+|[^\w\s]/g)
        ?.join(' ')
    const made = new Map([
      ...Object.entries(functions),
      ...Object.values(embedded).map(({ name, text }) => [name, text] as const),
    ])
    expect([...made.keys()].sort()).toEqual([...offered, ...kernels.map(([name]) => name)].sort())
    for (const [name, text] of made) {
      expect(code(text), name).toBe(code(withIncludes(texts.get(name)!)))
      expect(text, name).not.toMatch(/\/\/(?! #)|#include/)
    }
  })

  it('holds kernels that the library names, and text that kernels include', () => {
    const source = readdirSync(library, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('generated'))
      .map((name) => readFileSync(join(library, name), 'utf8'))
      .join('\n')
    for (const name of Object.keys(embedded)) expect(source, name).toContain(`shaders.${name}`)
    for (const [name] of included) {
      expect(name).toMatch(/^common\//)
      expect(
        [...texts.values()].some((text) => text.includes(`// #include ${name}\n`)),
        name,
      ).toBe(true)
    }
  })

  it.each(included)(
    '%s is functions, constants or fields of Params, and says what they are for',
    (_, text) => {
      expect(head(text).length).toBeGreaterThan(40)
      expect(text).not.toMatch(/@group|struct Params/)
      expect(text).toMatch(/^(fn |const |\w+: u32,)/m)
    },
  )
})

const variants = await variantsOf(kernels.map(([name]) => name))

describe.each(kernels)('%s', (name, text) => {
  const shader: ShaderSource = { name, text: withIncludes(text) }
  const { parts, impossible } = variants.get(name) ?? {}

  it('begins with what it computes and which invocation computes it', () => {
    expect(head(text)).toMatch(/\S.* = \S/)
    expect(head(text)).toMatch(/Mapping: \S/)
  })

  it('has only directives that are understood', () => {
    for (const line of text.split('\n')) {
      if (/\/\/ ?#/.test(line)) {
        expect(line).toMatch(
          /^\s*\/\/ #include common\/\w+$|^\s*\/\/ #(if|elif) \$\{[A-Z_]+\}$|^\s*\/\/ #(else|endif)$|^\s*\/\/ #generate \w+$|^\s*\/\/ #each [A-Z_]+ \S.*$|^const [A-Z_]+ = [\d.]+[uif]?; \/\/ #set$|^alias \w+ = (f32|vec2f|vec4f|Element); \/\/ #stored \w+$/,
        )
      }
    }
  })

  if (text.includes('linear_index(')) {
    it('has workgroups of as many threads as linear_index takes them to have', () => {
      expect(texts.get('common/linear_index')).toContain('groups.x * 64u')
      expect(threadsPerWorkgroup(shader)).toBe(64)
    })
  }

  if (/\/\/ #(set|generate)/.test(text)) {
    it('has constants and bodies to be tried with', () => {
      expect(parts).toBeDefined()
    })
  }

  const flags = flagsOf(withIncludes(text))
  const never = new Map<string, number>()
  for (const combination of combinations(flags)) {
    const set = flags.filter((flag) => combination[flag])
    const title = set.length > 0 ? set.join(' ') : flags.length > 0 ? 'no flag' : 'as it is'
    const reason = impossible?.(combination)
    if (reason !== undefined) {
      never.set(reason, (never.get(reason) ?? 0) + 1)
      continue
    }

    it(`compiles: ${title}`, async (test) => {
      test.skip(combination.SUBGROUPS === true && device.gpu.subgroupSize === 0, 'no subgroups here')
      const keys = (parts?.(combination) ?? [{}]).map((part): KernelKey => ({
        shader,
        flags: combination,
        ...part,
      }))
      const made = await device.gpu.wait(Promise.all(keys.map((key) => device.gpu.pipelines.get(key))))
      made.forEach(({ interface: { bindings, params } }, i) => {
        const source = specialise(keys[i]!)
        // The plan gives every call 256 bytes of parameters, scalars only.
        const fields = /struct Params \{([^}]*)\}/.exec(source)![1]!.replace(/\/\/.*$/gm, '')
        expect(params.length).toBe(fields.split(',').filter((field) => field.trim() !== '').length)
        expect(params.length * 4).toBeLessThanOrEqual(256)
        expect(bindings[0]).toEqual({ name: 'params', index: 0, type: 'uniform', unsigned: false })
        expect(bindings.length).toBe([...source.matchAll(/^@group/gm)].length)
        expect(new Set(bindings.map(({ index }) => index)).size).toBe(bindings.length)
        // No more than every WebGPU device has.
        expect(bindings.filter(({ type }) => type !== 'uniform').length).toBeLessThanOrEqual(8)
      })
    })

    const half = [...storedBindings(shader)]
    if (half.length === 0) continue
    it(`compiles with halves: ${title}`, async ({ skip }) => {
      skip(!device.gpu.device.features.has('shader-f16'), 'the device has no shader-f16')
      const keys = (parts?.(combination) ?? [{}]).map((part): KernelKey => ({
        shader,
        flags: combination,
        half,
        ...part,
      }))
      for (const key of keys) {
        const source = specialise(key)
        // Every alias is that of a binding, and every binding that has one is of halves now.
        for (const [, alias, type] of source.matchAll(/^alias (Stored\w+) = ([^;]*);/gm)) {
          expect(type).toMatch(/^(f16|vec[24]<f16>)$/)
          expect(source).toContain(`: array<${alias!}>;`)
        }
      }
      await device.gpu.wait(Promise.all(keys.map((key) => device.gpu.pipelines.get(key))))
    })
  }
  for (const [reason, count] of never) it.skip(`${count} combinations of flags that no op sets: ${reason}`)
})

/** The block of comments that a file begins with. */
function head(text: string): string {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('//'))
  return lines.slice(0, end).join('\n')
}
