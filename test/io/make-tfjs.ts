import { mulberry32 } from '../reference/nd-array.js'

/** A convolution of a made-up MeshNet. */
export interface MadeLayer {
  readonly name: string
  readonly inputs: number
  readonly outputs: number
  readonly kernel: number
  readonly dilation: number
  readonly bias: boolean
  /** What follows it, if anything. */
  readonly activation?: string
}

/** `model.json` and `model.bin` as TensorFlow.js writes them; numbers uniform in +-1/2 unless given, weights [kD, kH, kW, Ci, Co]. */
export function makeTfjs(
  layers: readonly MadeLayer[],
  weightOf?: (layer: MadeLayer) => Float32Array | undefined,
  biasOf?: (layer: MadeLayer) => Float32Array | undefined,
): { readonly model: TfjsJson; readonly bin: Uint8Array } {
  const random = mulberry32(5)
  const numbers: number[] = []
  const listed: TfjsJson['weightsManifest'][0]['weights'] = []
  const described: TfjsLayerJson[] = [
    {
      class_name: 'InputLayer',
      config: { name: 'input', batch_input_shape: [null, 8, 8, 8, layers[0]!.inputs] },
      inbound_nodes: [],
    },
  ]
  const add = (class_name: string, config: TfjsLayerJson['config']) => {
    const inbound_nodes = [[[described.at(-1)!.config.name, 0, 0, {}]]]
    described.push({ class_name, config, inbound_nodes })
  }
  for (const layer of layers) {
    const { name, inputs, outputs, kernel, dilation, bias, activation } = layer
    add('Conv3D', {
      name,
      filters: outputs,
      kernel_size: [kernel, kernel, kernel],
      strides: [1, 1, 1],
      dilation_rate: [dilation, dilation, dilation],
      padding: 'same',
      data_format: 'channels_last',
      activation: 'linear',
      use_bias: bias,
    })
    if (activation !== undefined) add('Activation', { name: `${name}_activation`, activation })
    const size = kernel ** 3 * inputs * outputs
    listed.push({
      name: `${name}/kernel`,
      shape: [kernel, kernel, kernel, inputs, outputs],
      dtype: 'float32',
    })
    numbers.push(...(weightOf?.(layer) ?? Array.from({ length: size }, () => random() - 0.5)))
    if (!bias) continue
    listed.push({ name: `${name}/bias`, shape: [outputs], dtype: 'float32' })
    numbers.push(...(biasOf?.(layer) ?? Array.from({ length: outputs }, () => random() - 0.5)))
  }
  return {
    model: {
      format: 'layers-model',
      modelTopology: { model_config: { class_name: 'Functional', config: { layers: described } } },
      weightsManifest: [{ paths: ['model.bin'], weights: listed }],
    },
    bin: new Uint8Array(Float32Array.from(numbers).buffer),
  }
}

interface TfjsLayerJson {
  class_name: string
  config: Record<string, unknown> & { name: string }
  inbound_nodes: unknown
}

/** The parts of `model.json` that tests change. */
export interface TfjsJson {
  format: string
  modelTopology: { model_config: { class_name: string; config: { layers: TfjsLayerJson[] } } }
  weightsManifest: {
    paths: string[]
    weights: { name: string; shape: number[]; dtype: string; quantization?: unknown }[]
  }[]
}
