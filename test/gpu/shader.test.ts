import { describe, expect, it } from 'vitest'
import { numbered, parseInterface, specialise, type Specialisation } from '../../src/gpu/shader.js'
import { withIncludes } from '../../src/gpu/includes.js'
import * as tiny from './tiny-shaders.js'

const scale = {
  shader: tiny.scale,
  flags: { HALVE: false, NEGATE: false },
  consts: { FACTOR: 2.5, COPIES: 3 },
  generated: { body: 'value += 1.0;' },
}

/** Specialises as an untyped caller might. */
const specialiseAny = (spec: object): string => specialise(spec as Specialisation)
const attempt = (spec: object) => () => specialiseAny(spec)

describe('specialise', () => {
  it('keeps the branch of a flag and drops the others; the first true one of #if and #elif', () => {
    const stored = (HALVE: boolean, NEGATE: boolean) =>
      [...specialiseAny({ ...scale, flags: { HALVE, NEGATE } }).matchAll(/output\[gid\.x\] = ([^;]*);/g)].map(
        ([, value]) => value,
      )
    expect(stored(false, false)).toEqual(['FACTOR * value'])
    expect(stored(true, false)).toEqual(['0.5 * FACTOR * value'])
    expect(stored(true, true)).toEqual(['0.5 * FACTOR * value'])
    expect(stored(false, true)).toEqual(['-FACTOR * value'])
  })

  it('sets constants, inserts bodies, and leaves no directive', () => {
    const source = specialiseAny(scale)
    expect(source).toContain('\nconst FACTOR = 2.5f;\n')
    expect(source).toContain('\nvalue += 1.0;\n')
    expect(source).not.toMatch(/#|\$/)
  })

  it('repeats a line for every number below a constant', () => {
    const copies = (COPIES: number) =>
      specialiseAny({ ...scale, consts: { FACTOR: 1, COPIES } }).match(/^ *let copy.*$/gm)
    expect(copies(3)).toEqual([0, 1, 2].map((i) => `  let copy${i} = value + ${i}.0;`))
    expect(copies(0)).toBeNull()
  })

  it('refuses a flag that is missing, unknown or not a boolean', () => {
    expect(attempt({ ...scale, flags: { HALVE: true } })).toThrow(
      'shader test/scale: flag NEGATE is not given',
    )
    expect(attempt({ ...scale, flags: undefined })).toThrow('flag HALVE is not given')
    // A word that the text uses for something else is no flag of it, a const neither.
    for (const name of ['TWICE', 'value', 'FACTOR', 'body']) {
      expect(attempt({ ...scale, flags: { ...scale.flags, [name]: true } })).toThrow(
        `shader test/scale: it has no flag ${name}`,
      )
    }
    for (const HALVE of ['true', 'false', '0', '', 0, 1, null, {}]) {
      expect(attempt({ ...scale, flags: { HALVE, NEGATE: false } })).toThrow('flag HALVE must be a boolean')
    }
  })

  it('refuses a const that is missing, unknown or not a finite number', () => {
    expect(attempt({ ...scale, consts: {} })).toThrow('shader test/scale: const FACTOR is not given')
    expect(attempt({ ...scale, consts: { ...scale.consts, LANES: 8 } })).toThrow('it has no const LANES')
    for (const FACTOR of ['8', NaN, Infinity, true, null]) {
      expect(attempt({ ...scale, consts: { FACTOR, COPIES: 1 } })).toThrow(
        'const FACTOR must be a finite number',
      )
    }
  })

  it('sets a const to another one that the text declares, by its name', () => {
    const shader = { name: 'named', text: 'const ONE = 1u;\nconst KIND = 0u; // #set\n' }
    expect(specialiseAny({ shader, consts: { KIND: 'ONE' } })).toBe('const ONE = 1u;\nconst KIND = ONE;\n')
    expect(attempt({ shader, consts: { KIND: 'TWO' } })).toThrow('or the name of another const, not TWO')
  })

  it('refuses a body that is missing or unknown', () => {
    expect(attempt({ ...scale, generated: {} })).toThrow('shader test/scale: body body is not given')
    expect(attempt({ ...scale, generated: { body: '', tail: '' } })).toThrow('it has no body tail')
  })
})

describe('withIncludes', () => {
  it("replaces a line by a file of the kernel's, or by the engine's functions", () => {
    expect(withIncludes(tiny.including)).toEqual({ name: 'test/including', text: tiny.scale.text })
    const { text } = withIncludes({ name: 'test/engine', text: 'a\n// #include common/math\nb\n' })
    expect(text).toMatch(/^a\nfn log_exact\([^]*\nb\n$/)
  })

  it('refuses to include a missing file', () => {
    expect(() => withIncludes(tiny.lost)).toThrow('shader test/lost: no shader common/nowhere to include')
  })
})

describe('parseInterface', () => {
  it('reads bindings and parameters, not what comments say', () => {
    const source = `
      struct Other { a: vec4f }
      // struct Params { wrong: u32 }
      struct Params {
        count: u32, // elements: u32
        shift: i32,
        scale: f32,
      }
      @group(0) @binding(0) var<uniform> params: Params;
      @group(0) @binding(2) var<storage, read_write> output: array<f32>;
      // @group(0) @binding(3) var<storage, read> gone: array<f32>;
      @group(0)   @binding(1)
      var<storage, read> input: array<f32>;
      @group(0) @binding(4) var<storage> table: array<vec2u, 3>;
      var<workgroup> scratch: array<f32, 64>;
      const LANES = 8u;
      // @workgroup_size(3)
      @compute @workgroup_size(LANES, 2)
      fn main() {}`
    expect(parseInterface(source)).toEqual({
      bindings: [
        { name: 'params', index: 0, type: 'uniform', unsigned: false },
        { name: 'output', index: 2, type: 'storage', unsigned: false },
        { name: 'input', index: 1, type: 'read-only-storage', unsigned: false },
        { name: 'table', index: 4, type: 'read-only-storage', unsigned: true },
      ],
      params: [
        { name: 'count', type: 'u32' },
        { name: 'shift', type: 'i32' },
        { name: 'scale', type: 'f32' },
      ],
      workgroupSize: [8, 2, 1],
    })
  })

  it('leaves a size undefined if it is an override', () => {
    expect(parseInterface(tiny.scale.text).workgroupSize).toBeUndefined()
  })

  it('finds nothing if there is nothing', () => {
    expect(parseInterface('fn f() {}')).toEqual({ bindings: [], params: [], workgroupSize: undefined })
  })
})

describe('numbered', () => {
  it('counts lines from 1', () => {
    expect(numbered('a\n\nb')).toBe('   1 | a\n   2 | \n   3 | b')
    const lines = ['fn f() {', '    if (a) {', 'b();', '} else {', 'c();', '}', '}'].join('\n')
    expect(
      numbered(lines)
        .split('\n')
        .map((line) => line.slice(7)),
    ).toEqual(['fn f() {', '  if (a) {', '    b();', '  } else {', '    c();', '  }', '}'])
  })
})
