import {
  batchNorm,
  crossEntropy,
  elu,
  gelu,
  groupNorm,
  instanceNorm,
  leakyRelu,
  linear,
  sigmoid,
  silu,
  softDice,
  softmax,
  softplus,
  tanh,
} from '../../src/ops/index.js'
import type { Builder } from './builder.js'

const affine = ['x', 'w', 'b']

/** Activations, normalisation, linear layers and losses of `ops_general.safetensors`. */
export const layers: readonly Builder[] = [
  { name: /^leaky_relu_001$/, wanted: ['x'], build: ({ x }) => leakyRelu(x!, 0.01) },
  { name: /^gelu_erf$/, wanted: ['x'], build: ({ x }) => gelu(x!) },
  { name: /^silu$/, wanted: ['x'], build: ({ x }) => silu(x!) },
  { name: /^sigmoid$/, wanted: ['x'], build: ({ x }) => sigmoid(x!) },
  { name: /^tanh$/, wanted: ['x'], build: ({ x }) => tanh(x!) },
  { name: /^softplus$/, wanted: ['x'], build: ({ x }) => softplus(x!) },
  { name: /^elu$/, wanted: ['x'], build: ({ x }) => elu(x!) },
  { name: /^batch_norm_train$/, wanted: affine, build: ({ x, w, b }) => batchNorm(x!, w, b).output },
  { name: /^group_norm_3$/, wanted: affine, build: ({ x, w, b }) => groupNorm(x!, 3, w, b) },
  {
    name: /^instance_norm_affine$/,
    wanted: affine,
    build: ({ x, w, b }) => instanceNorm(x!, { weight: w!, bias: b! }),
  },
  { name: /^linear$/, wanted: affine, build: ({ x, w, b }) => linear(x!, w!, b) },
  {
    name: /^cross_entropy_mean$/,
    wanted: ['x'],
    build: ({ x, labels }) => crossEntropy(x!, labels!),
    scale: 5,
  },
  {
    name: /^soft_dice_of_softmax$/,
    wanted: ['x'],
    build: ({ x, labels }) => softDice(softmax(x!), labels!),
    scale: 5,
  },
]
