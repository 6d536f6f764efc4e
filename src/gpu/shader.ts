import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js'

/** A shader file. */
export interface ShaderSource {
  /** Path under shaders/ without the extension, for messages. */
  readonly name: string
  /** WGSL with the lines that `Specialisation` resolves. */
  readonly text: string
  /**
   * WGSL by the names of its `// #include NAME` lines. The engine's own need not be given: `common/linear`,
   * `common/math`, `common/noise`, `common/workgroup_sum`. The package's kernels are embedded with all that they
   * include.
   */
  readonly includes?: Readonly<Record<string, string>>
}

/**
 * How a kernel is made from a shader file.
 *
 * - `flags` resolve `// #if ${FLAG}` ... `// #else` ... `// #endif`;
 * - `consts` replace the value of lines `const NAME = 1u; // #set`: by a number, or by another const of the file;
 * - `generated` replace lines `// #generate NAME` (bodies unrolled per tile).
 *
 * A line `alias StoredX = f32; // #stored NAME` gives the element type of binding NAME (f32, vec2f, vec4f, or the
 * `Element` of common/linear). If the plan stores the binding as f16 (`half`), the type becomes its f16 counterpart.
 * Kernels convert what they load and store, so each binding has its own storage type and all arithmetic is f32.
 *
 * A line `// #each NAME code` is repeated as `code` for every number below the const NAME, with `$` standing for the
 * number: one line per channel, instead of an indexed array, which most drivers keep in memory.
 * Lines `// #include common/NAME` are expanded before (`withIncludes`). Every flag, const and generated body that the file
 * mentions must be given, and nothing else: a misspelt name is an error, not a default.
 */
export interface Specialisation {
  /** The file. */
  readonly shader: ShaderSource
  /** Value of every `#if` flag that the file mentions, by name. Default: none. */
  readonly flags?: Readonly<Record<string, boolean>>
  /**
   * Finite number of every const that the file marks `#set`, or the name of a const that it declares. Default: none.
   */
  readonly consts?: Readonly<Record<string, number | string>>
  /** WGSL for every `#generate` line of the file, by name. Default: none. */
  readonly generated?: Readonly<Record<string, string>>
}

/** A specialisation, and how the values bound to the kernel are stored. */
export interface StoredSpecialisation extends Specialisation {
  /** Names of the bindings stored as f16. Default: none. */
  readonly half?: readonly string[]
}

/** One `var<uniform|storage>` of a shader, as its text declares it. */
export interface BindingDeclaration {
  /** Name of the variable. */
  readonly name: string
  /** Its `@binding` in group 0. */
  readonly index: number
  /** Type in the bind group layout: uniform, storage (written) or read-only storage. */
  readonly type: GPUBufferBindingType
  /** Whether its elements are of u32 rather than f32. */
  readonly unsigned: boolean
}

/** One scalar of a shader's `struct Params`. */
export interface ParamDeclaration {
  /** Name of the field. */
  readonly name: string
  /** Its WGSL type; each takes 4 bytes. */
  readonly type: 'u32' | 'i32' | 'f32'
}

/** What the host must know about a shader: parsed from its text, so that the two cannot disagree. */
export interface ShaderInterface {
  /** Bindings of group 0, in the order of the text. */
  readonly bindings: readonly BindingDeclaration[]
  /** Fields of `struct Params`, in order; none if the shader has no such struct. */
  readonly params: readonly ParamDeclaration[]
  /** Threads of a workgroup along x, y and z; undefined if an `override` sets them. */
  readonly workgroupSize: WorkgroupSize | undefined
}

/** Threads of a workgroup. */
export type WorkgroupSize = readonly [x: number, y: number, z: number]

const directive = /^[ \t]*\/\/ #(if|elif|else|endif)\b[ \t]*(?:\$\{(?<name>\w+)\})?[ \t]*$/gm
const setConst = /^const (?<name>\w+) = [\d.]+([uif]?); \/\/ #set$/gm
const each = /^([ \t]*)\/\/ #each (?<name>\w+) (.*)$/gm
const storedAs = /^alias (\w+) = (\w+); \/\/ #stored (?<name>\w+)$/gm
const generate = /^[ \t]*\/\/ #generate (?<name>\w+)$/gm

/**
 * Returns the WGSL of a specialised shader.
 *
 * @throws Error if a flag, const or generated body is missing, unknown or of the wrong type, or if a binding cannot be
 *   stored as f16
 */
export function specialise(spec: StoredSpecialisation): string {
  const take = <T>(kind: string, table: Readonly<Record<string, T>> | undefined, name: string): T => {
    const value = table?.[name]
    if (value === undefined) throw new Error(`shader ${spec.shader.name}: ${kind} ${name} is not given`)
    return value
  }

  const { text: source } = spec.shader
  // Checked against the whole text, because a flag may remove the only branch that has a const.
  const rejectUnknown = (kind: string, table: Readonly<Record<string, unknown>> = {}, pattern: RegExp) => {
    const known = [...source.matchAll(pattern)].map(({ groups }) => groups?.name)
    for (const name of Object.keys(table)) {
      if (!known.includes(name)) throw new Error(`shader ${spec.shader.name}: it has no ${kind} ${name}`)
    }
  }
  rejectUnknown('flag', spec.flags, directive)
  rejectUnknown('const', spec.consts, setConst)
  rejectUnknown('body', spec.generated, generate)
  rejectUnknown('stored binding', Object.fromEntries((spec.half ?? []).map((name) => [name, true])), storedAs)

  // wgsl-preprocessor is a template tag: hand it the text between the flags and the flags' values.
  const strings: string[] = []
  const values: boolean[] = []
  let text = ''
  let end = 0
  for (const match of source.matchAll(directive)) {
    text += `${source.slice(end, match.index)}#${match[1]!}`
    end = match.index + match[0].length
    if (match[2] === undefined) continue
    const value: unknown = take('flag', spec.flags, match[2])
    // Any non-empty string would count as true ('false' too).
    if (typeof value !== 'boolean')
      throw new Error(`shader ${spec.shader.name}: flag ${match[2]} must be a boolean`)
    strings.push(`${text} `)
    values.push(value)
    text = ''
  }
  strings.push(text + source.slice(end))
  const resolved = wgsl(strings, ...values)

  return storeHalves(resolved, spec.half ?? [])
    .replace(setConst, (_, name: string, suffix: string) => {
      const value: unknown = take('const', spec.consts, name)
      if (typeof value === 'string' && new RegExp(`^const ${value} = `, 'm').test(resolved))
        return `const ${name} = ${value};`
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw new Error(
          `shader ${spec.shader.name}: const ${name} must be a finite number or the name of another const, not ${String(value)}`,
        )
      }
      return `const ${name} = ${value}${suffix};`
    })
    .replace(each, (_, indent: string, name: string, code: string) =>
      Array.from(
        { length: Number(take('const', spec.consts, name)) },
        (_, i) => indent + code.replaceAll('$', String(i)),
      ).join('\n'),
    )
    .replace(generate, (_, name: string) => take('body', spec.generated, name))
}

const halves = { f32: 'f16', vec2f: 'vec2<f16>', vec4f: 'vec4<f16>' }

/** Changes the element type of some bindings to f16. */
function storeHalves(source: string, half: readonly string[]): string {
  if (half.length === 0) return source
  const element = /^alias Element = (\w+);$/m.exec(source)?.[1]
  const toHalf = (type: string) => halves[(type === 'Element' ? element : type) as keyof typeof halves]
  const stored = source.replace(storedAs, (line, alias: string, type: string, name: string) =>
    half.includes(name) ? `alias ${alias} = ${toHalf(type)};` : line,
  )
  return `enable f16;\n${stored}`
}

/** The bindings of a shader whose elements may be stored as f16. */
export function storedBindings(shader: ShaderSource): ReadonlySet<string> {
  return new Set([...shader.text.matchAll(storedAs)].map(({ groups }) => groups!.name!))
}

/** Parses the bindings of group 0, the fields of `struct Params` and the workgroup size from WGSL source. */
export function parseInterface(source: string): ShaderInterface {
  const code = source.replace(/\/\/.*$/gm, '')
  const bindings: BindingDeclaration[] = []
  const declaration =
    /@group\(0\)\s*@binding\((\d+)\)\s*var<(uniform|storage)(?:,\s*(read|read_write))?>\s*(\w+)\s*:\s*([^;]*);/g
  for (const [, index, space, access, name, elements] of code.matchAll(declaration)) {
    const type = space === 'uniform' ? 'uniform' : access === 'read_write' ? 'storage' : 'read-only-storage'
    bindings.push({ name: name!, index: Number(index), type, unsigned: /\bu32\b|vec\du/.test(elements!) })
  }
  const struct = /struct Params\s*\{([^}]*)\}/.exec(code)
  const params = [...(struct?.[1] ?? '').matchAll(/(\w+)\s*:\s*(u32|i32|f32)/g)].map(([, name, type]) => ({
    name: name!,
    type: type as ParamDeclaration['type'],
  }))
  return { bindings, params, workgroupSize: workgroupSizeOf(code) }
}

/**
 * The number of threads in a workgroup of a shader.
 *
 * @throws Error if an `override` sets it
 */
export function threadsPerWorkgroup({ name, text }: ShaderSource): number {
  const size = workgroupSizeOf(text)
  if (!size) throw new Error(`shader ${name}: its workgroup size is not constant`)
  return size.reduce((product, extent) => product * extent)
}

/** The `@workgroup_size` of WGSL source, from numbers or names of constants; undefined if one is an `override`. */
function workgroupSizeOf(source: string): WorkgroupSize | undefined {
  const [, extents = ''] = /@workgroup_size\(([^)]*)\)/.exec(source) ?? []
  const [x, y = 1, z = 1] = extents.split(',').map((extent) => {
    const constant = new RegExp(`^\\s*const ${extent.trim()} = (.*?);`, 'm').exec(source)?.[1]
    return parseInt(constant ?? extent)
  })
  return x && y && z ? [x, y, z] : undefined
}

/** WGSL with line numbers, reindented, for messages about code that did not compile. */
export function numbered(source: string): string {
  let depth = 0
  return source
    .split('\n')
    .map((line, i) => {
      const code = line.trim()
      const indent = '  '.repeat(Math.max(0, code.startsWith('}') ? depth - 1 : depth))
      depth += code.split('{').length - code.split('}').length
      return `${String(i + 1).padStart(4)} | ${code && indent + code}`
    })
    .join('\n')
}
