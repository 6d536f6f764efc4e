import js from '@eslint/js'
import tseslint from 'typescript-eslint'

// The house, lowest layer first. A folder may import from itself, from `errors.ts` and from what it names here.
const layers = {
  gpu: ['generated'],
  graph: ['gpu', 'generated'],
  plan: ['gpu', 'graph', 'generated'],
  // What is built from the graph never knows how a plan runs it.
  ops: ['gpu', 'graph', 'generated'],
  nn: ['graph', 'ops'],
  optim: ['gpu', 'graph', 'ops', 'generated'],
  sae: ['gpu', 'graph', 'plan', 'ops', 'nn', 'optim'],
  // Fits one image onto another.
  register: ['nn', 'sae'],
  // Float64 versions of ops, and small problems that a device is tried with.
  'self-check': ['gpu', 'graph', 'plan', 'ops', 'optim'],
  // Measures which tiles of a convolution suit a device.
  tuning: ['gpu', 'graph', 'plan', 'ops'],
  io: [],
  // Networks from files, built from layers and ops.
  onnx: ['graph', 'ops', 'nn', 'io'],
  report: [],
  node: ['gpu', 'io', 'generated'],
}
const everyLayer = [...Object.keys(layers), 'generated', 'cli']
const isomorphic = [
  'gpu',
  'graph',
  'plan',
  'ops',
  'nn',
  'optim',
  'sae',
  'register',
  'onnx',
  'self-check',
  'tuning',
  'report',
]

const layering = Object.entries(layers).map(([layer, allowed]) => ({
  files: [`src/${layer}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: everyLayer
              .filter((other) => other !== layer && !allowed.includes(other))
              .map((other) => `**/${other}/**`),
            message: `src/${layer} may import only from: ${['errors.ts', ...allowed].join(', ')}.`,
          },
          ...(isomorphic.includes(layer)
            ? [{ group: ['node:*', 'fs', 'path'], message: `src/${layer} runs in a browser too.` }]
            : []),
        ],
      },
    ],
    ...(isomorphic.includes(layer)
      ? { 'no-restricted-globals': ['error', 'process', 'Buffer', 'require', '__dirname', 'setImmediate'] }
      : {}),
  },
}))

export default tseslint.config(
  {
    ignores: [
      'dist',
      'docs/api',
      'examples/web/dist',
      'src/generated',
      'coverage',
      'bench/peers/node_modules',
      'pack',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      // Index arithmetic over typed arrays is the daily bread here; an assertion reads better than a branch that cannot run.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' },
    },
  },
  ...layering,
)
