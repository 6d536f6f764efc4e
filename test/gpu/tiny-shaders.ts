import type { ShaderSource } from '../../src/gpu/shader.js'

export const scale: ShaderSource = {
  name: 'test/scale',
  text: [
    '// output = FACTOR * input, or with HALVE half of that.',
    'struct Params {',
    '  count: u32,',
    '}',
    'const FACTOR = 1.0f; // #set',
    'const COPIES = 1u; // #set',
    'override LANES: u32 = 64u;',
    '@group(0) @binding(0) var<uniform> params: Params;',
    '@group(0) @binding(1) var<storage, read> input: array<f32>;',
    '@group(0) @binding(2) var<storage, read_write> output: array<f32>;',
    'fn identity(value: f32) -> f32 { return value; }',
    '@compute @workgroup_size(LANES)',
    'fn main(@builtin(global_invocation_id) gid: vec3u) {',
    '  if (gid.x >= params.count) { return; }',
    '  var value = identity(input[gid.x]);',
    '  // #generate body',
    '  // #each COPIES let copy$ = value + $.0;',
    '// #if ${HALVE}',
    '  output[gid.x] = 0.5 * FACTOR * value;',
    '// #elif ${NEGATE}',
    '  output[gid.x] = -FACTOR * value;',
    '// #else',
    '  output[gid.x] = FACTOR * value;',
    '// #endif',
    '}',
    '',
  ].join('\n'),
}

/** The same kernel in two files. */
export const including: ShaderSource = {
  name: 'test/including',
  text: scale.text.replace(/^fn identity.*$/m, '// #include own/identity'),
  includes: { 'own/identity': 'fn identity(value: f32) -> f32 { return value; }' },
}

export const lost: ShaderSource = { name: 'test/lost', text: '// #include common/nowhere\n' }
