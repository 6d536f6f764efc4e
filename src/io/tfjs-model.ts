import { quoted, UserError } from '../errors.js'
import { isArray, isCount, isRecord, parseRecord } from './json.js'

/** A convolution of a TensorFlow.js model, with what follows it. */
export interface TfjsLayer {
  /** As the file has it. */
  readonly name: string
  /** [Co, Ci, kD, kH, kW] */
  readonly shape: readonly [number, number, number, number, number]
  /** Voxels from one tap of the kernel to the next, along D, H and W. */
  readonly dilation: readonly [number, number, number]
  /** Whether each channel is then scaled to mean 0 and variance 1 over the volume. */
  readonly normalised: boolean
  /** Applied last. */
  readonly activation: TfjsActivation
  /** Of that shape, C order. */
  readonly weight: Float32Array
  /** [Co], if there is one. */
  readonly bias: Float32Array | undefined
}

/** The activations that are read, by Keras's names. */
export type TfjsActivation = 'linear' | 'relu' | 'elu' | 'gelu' | 'sigmoid' | 'tanh'
const activations: readonly TfjsActivation[] = ['linear', 'relu', 'elu', 'gelu', 'sigmoid', 'tanh']

/** What `model.json` says: the convolutions without their weights, and where these are. */
export interface TfjsDescription {
  /** In order, without their numbers. */
  readonly layers: readonly TfjsLayerDescription[]
  /** The files of the weights, in order: names without a folder. They lie beside `model.json`. */
  readonly shards: readonly string[]
  /** Length of all shards together. */
  readonly bytes: number
}

/** A layer, and where its numbers lie in the weights. */
export interface TfjsLayerDescription extends Omit<TfjsLayer, 'weight' | 'bias'> {
  /** Where the numbers start, in floats. */
  readonly weightAt: number
  /** Likewise of the bias, if there is one. */
  readonly biasAt: number | undefined
}

/** 64 MB of weights: a hundred times MindGrab's. */
const mostBytes = 2 ** 26
const mostLayers = 1000
const mostChannels = 4096
const mostKernel = 31
const mostDilation = 1024

/**
 * Reads the description of a TensorFlow.js layers model (`model.json`) that is a chain of 3-D convolutions and
 * activations, as the MeshNets of brainchop are. brainchop normalises the channels after layers called `..._gn`; the
 * file itself does not say so.
 *
 * @param text content of `model.json`
 * @param source its name, for messages
 * @throws UserError if it is not such a model, or larger than the limit
 */
export function describeTfjsModel(text: string, source = 'model.json'): TfjsDescription {
  const fail = (what: string) => new UserError(`${source}: ${what}`)
  const model = parseRecord(text)
  if (!model) throw fail('is not JSON with a model in it')
  const { modelTopology, weightsManifest } = model
  const manifest = weightsOf(weightsManifest, fail)
  const layers = layersOf(modelTopology, manifest.places, fail)
  return { layers, shards: manifest.shards, bytes: manifest.bytes }
}

/**
 * The layers of a model with their weights.
 *
 * @param shards content of the files that the description names, in its order
 * @throws UserError if their length is not what the description says, or a weight is not finite
 */
export function decodeTfjsModel(
  { layers, bytes }: TfjsDescription,
  shards: readonly Uint8Array[],
  source = 'model.json',
): TfjsLayer[] {
  const length = shards.reduce((sum, shard) => sum + shard.length, 0)
  if (length !== bytes)
    throw new UserError(`${source}: its weights take ${bytes} bytes, but the files hold ${length}`)
  const all = new Uint8Array(bytes)
  let at = 0
  for (const shard of shards) {
    all.set(shard, at)
    at += shard.length
  }
  const view = new DataView(all.buffer)
  const floats = Float32Array.from({ length: bytes / 4 }, (_, i) => view.getFloat32(4 * i, true))
  const bad = floats.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) throw new UserError(`${source}: weight ${bad} is ${floats[bad]!}; the file is damaged`)
  return layers.map(({ weightAt, biasAt, ...layer }) => ({
    ...layer,
    weight: toChannelsFirst(floats.subarray(weightAt), layer.shape),
    bias: biasAt === undefined ? undefined : floats.slice(biasAt, biasAt + layer.shape[0]),
  }))
}

/** [kD, kH, kW, Ci, Co] -> [Co, Ci, kD, kH, kW]. */
function toChannelsFirst(data: Float32Array, [co, ci, ...kernel]: TfjsLayer['shape']): Float32Array {
  const taps = kernel.reduce((product, n) => product * n, 1)
  const result = new Float32Array(co * ci * taps)
  for (let o = 0, to = 0; o < co; o++)
    for (let i = 0; i < ci; i++)
      for (let tap = 0; tap < taps; tap++) result[to++] = data[(tap * ci + i) * co + o]!
  return result
}

type Fail = (what: string) => UserError
type Places = ReadonlyMap<string, { readonly at: number; readonly shape: readonly number[] }>

/** The files of the weights, and where in them each one starts. */
function weightsOf(
  manifest: unknown,
  fail: Fail,
): { readonly shards: string[]; readonly places: Places; readonly bytes: number } {
  if (!isArray(manifest) || manifest.length === 0)
    throw fail('has no weightsManifest; a TensorFlow.js layers model has one')
  const places = new Map<string, { at: number; shape: readonly number[] }>()
  const shards: string[] = []
  let at = 0
  for (const group of manifest) {
    if (!isRecord(group) || !isArray(group.paths) || !isArray(group.weights))
      throw fail('weightsManifest: a group has no paths or no weights')
    for (const path of group.paths) shards.push(shardName(path, fail))
    for (const weight of group.weights) {
      if (!isRecord(weight) || typeof weight.name !== 'string' || !isCounts(weight.shape))
        throw fail('weightsManifest: a weight has no name or no shape')
      const { name, shape, dtype } = weight
      if (dtype !== 'float32' || weight.quantization !== undefined)
        throw fail(`weight ${quoted(name)} is not float32, or quantised; only float32 is read`)
      if (places.has(name)) throw fail(`weight ${quoted(name)} is listed twice`)
      places.set(name, { at, shape })
      at += shape.reduce((product, n) => product * n, 1)
      if (4 * at > mostBytes) throw fail(`has more than ${mostBytes} bytes of weights`)
    }
  }
  return { shards, places, bytes: 4 * at }
}

/** The name of a file beside `model.json`: nothing in the model may lead out of its folder. */
function shardName(path: unknown, fail: Fail): string {
  if (typeof path !== 'string') throw fail('weightsManifest: a path is not text')
  if (!/^[\w-][\w .-]*$/.test(path))
    throw fail(`weights file ${quoted(path)}: must be the name of a file in the model's folder`)
  return path
}

function layersOf(topology: unknown, places: Places, fail: Fail): TfjsLayerDescription[] {
  const list = layerList(topology)
  if (!list) throw fail('has no modelTopology with layers; only layers models are read, not graph models')
  if (list.length > mostLayers) throw fail(`has ${list.length} layers; at most ${mostLayers} are read`)
  const result: TfjsLayerDescription[] = []
  let previous: string | undefined
  let channels: number | undefined
  for (const [i, layer] of list.entries()) {
    if (!isRecord(layer) || typeof layer.class_name !== 'string' || !isRecord(layer.config))
      throw fail(`layer ${i} has no class or no settings`)
    const { class_name: kind, config } = layer
    const { name } = config
    if (typeof name !== 'string') throw fail(`layer ${i} has no name`)
    const failHere: Fail = (what) => fail(`layer ${quoted(name)}: ${what}`)
    const sources = inboundNames(layer.inbound_nodes)
    if (sources.length > 1 || (sources[0] !== undefined && sources[0] !== previous))
      throw failHere('does not follow the layer before it; only chains of layers are read')
    previous = name
    if (kind === 'InputLayer') channels = inputChannels(config, failHere)
    else if (kind === 'Conv3D') {
      const layer = convolution(name, config, channels, places, failHere)
      result.push(layer)
      channels = layer.shape[0]
    } else if (kind === 'Activation') {
      const last = result.at(-1)
      if (last?.activation !== 'linear') throw failHere('an activation that follows no convolution')
      result[result.length - 1] = { ...last, activation: activationOf(config, failHere) }
    } else if (!/^(Spatial)?Dropout(3D)?$/.test(kind))
      throw failHere(`is a ${quoted(kind)}; Conv3D, Activation and Dropout are read`)
  }
  if (result.length === 0) throw fail('has no convolution')
  return result
}

function layerList(topology: unknown): readonly unknown[] | undefined {
  const config = isRecord(topology) && isRecord(topology.model_config) ? topology.model_config : topology
  if (!isRecord(config)) return undefined
  if (isArray(config.config)) return config.config
  return isRecord(config.config) && isArray(config.config.layers) ? config.config.layers : undefined
}

/** The names of the layers that a layer reads: `[[[name, 0, 0, {}]]]`. */
function inboundNames(nodes: unknown): unknown[] {
  if (!isArray(nodes)) return []
  return nodes.flatMap((node) => (isArray(node) ? node.map((edge) => (isArray(edge) ? edge[0] : null)) : []))
}

function inputChannels({ batch_input_shape: shape }: Record<string, unknown>, fail: Fail): number {
  const channels = isArray(shape) && shape.length === 5 ? shape[4] : undefined
  if (!isCount(channels) || channels < 1 || channels > mostChannels)
    throw fail('its shape is not [null, D, H, W, channels]')
  return channels
}

function convolution(
  name: string,
  config: Record<string, unknown>,
  inputs: number | undefined,
  places: Places,
  fail: Fail,
): TfjsLayerDescription {
  const { filters, padding, data_format: format, strides, use_bias: biased } = config
  if (padding !== 'same' || (format ?? 'channels_last') !== 'channels_last')
    throw fail('must have padding "same" and data_format "channels_last"')
  if (triple(strides ?? [1, 1, 1], 1) === undefined) throw fail('must have strides of 1')
  const kernel = triple(config.kernel_size, mostKernel)
  const dilation = triple(config.dilation_rate ?? [1, 1, 1], mostDilation)
  if (!kernel || kernel.some((n) => n % 2 === 0)) throw fail(`kernel_size must be odd, 1 to ${mostKernel}`)
  if (!dilation) throw fail(`dilation_rate must be 1 to ${mostDilation}`)
  if (!isCount(filters) || filters < 1 || filters > mostChannels)
    throw fail(`filters must be 1 to ${mostChannels}`)
  const placeOf = (what: string, wanted: readonly number[]): number => {
    const place = places.get(`${name}/${what}`)
    if (!place) throw fail(`its ${what} is not among the weights`)
    if (place.shape.length === wanted.length && place.shape.every((n, axis) => n === wanted[axis]))
      return place.at
    throw fail(`its ${what} is [${place.shape.join(', ')}], not [${wanted.join(', ')}]`)
  }
  const normalised = name.endsWith('_gn')
  const activation = activationOf(config, fail)
  if (normalised && activation !== 'linear')
    throw fail('is normalised (_gn), so its activation must follow it')
  if (inputs === undefined) throw fail('no InputLayer before it')
  return {
    name,
    shape: [filters, inputs, ...kernel],
    dilation,
    normalised,
    activation,
    weightAt: placeOf('kernel', [...kernel, inputs, filters]),
    biasAt: biased === false ? undefined : placeOf('bias', [filters]),
  }
}

function activationOf({ activation = 'linear' }: Record<string, unknown>, fail: Fail): TfjsActivation {
  const known = activations.find((name) => name === activation)
  if (known) return known
  const what = typeof activation === 'string' ? quoted(activation) : 'not a name'
  throw fail(`activation ${what}; ${activations.join(', ')} are read`)
}

function triple(value: unknown, most: number): readonly [number, number, number] | undefined {
  if (!isCounts(value) || value.length !== 3 || value.some((n) => n < 1 || n > most)) return undefined
  return [value[0]!, value[1]!, value[2]!]
}

function isCounts(value: unknown): value is number[] {
  return isArray(value) && value.length <= 8 && value.every(isCount)
}
