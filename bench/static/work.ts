import type { BindingDeclaration } from '../../src/gpu/shader.js'
import type { ScheduledCall } from '../../src/plan/calls.js'
import type { Stored } from '../../src/plan/storage.js'

/** Multiply-adds of a dispatch. */
export interface Products {
  /** Those that its result needs. */
  readonly useful: number
  /** Those that its invocations compute, including outputs and lanes that are thrown away. */
  readonly computed: number
}

/** Least bytes that a dispatch moves: each input once, each output once, a variable in both directions. */
export function bytesOf(
  { bindings, mutates }: ScheduledCall,
  declared: readonly BindingDeclaration[],
  stored: Stored,
): number {
  return declared
    .filter(({ name }) => name !== 'params')
    .map(({ name, type }) => {
      const { value, start, end } = bindings[name]!
      return (end - start) * stored.elementBytes(value) * (mutates && type === 'storage' ? 2 : 1)
    })
    .reduce((sum, bytes) => sum + bytes, 0)
}

/** The multiply-adds of a convolution, whose kernels state their tile; undefined for any other kernel. */
export function productsOf(call: ScheduledCall, invocations: number): Products | undefined {
  switch (call.shader.name) {
    case 'conv3d/forward':
      return forward(call, invocations)
    case 'conv3d/backward_weight_rows':
      return backwardWeight(call, invocations)
    case 'label_conv3d/backward_weight':
      return labelBackwardWeight(call, invocations)
    default:
      return undefined
  }
}

type Numbers = Readonly<Record<string, number>>

function forward({ consts, params, flags, threads }: ScheduledCall, invocations: number): Products {
  const { KD, KH, KW, TILE_X, TILE_CO } = consts as Numbers
  const { inputs, outputs, height, width, coarse_inputs = 0, first_outputs = 0 } = params
  const planes = threads![2]!
  // Taps that read the same coarse voxel take one multiplication.
  const coarse = flags?.UPSAMPLED ? half(KD!) * half(KH!) * half(KW!) * coarse_inputs : 0
  const perOutput = KD! * KH! * KW! * inputs! + coarse
  return {
    useful: (outputs! + first_outputs) * planes * height! * width! * perOutput,
    computed: invocations * TILE_X! * TILE_CO! * perOutput,
  }
}

function backwardWeight({ consts, params, flags, threads }: ScheduledCall, invocations: number): Products {
  const { KD, KH, KW, TILE_CO } = consts as Numbers
  const { shifted_channels, broadcast_channels, height, width, bricks_per_plane, brick_extent } = params
  const upsampled = flags?.UPSAMPLED
  const bricks = threads![2]!
  const taps = upsampled ? half(KW!) : KW!
  const planes = upsampled ? half(KD!) : KD!
  const voxels = (bricks / bricks_per_plane!) * height! * width!
  return {
    useful: shifted_channels! * broadcast_channels! * planes * KH! * taps * voxels,
    computed: invocations * TILE_CO! * taps * brick_extent! * width!,
  }
}

function labelBackwardWeight({ consts, params }: ScheduledCall, invocations: number): Products {
  const { KD, KH, KW, CLASSES } = consts as Numbers
  const { classes, outputs, height, width, bricks, bricks_per_plane, brick_rows } = params
  return {
    useful: (classes! * outputs! * KD! * KH! * KW! * height! * width! * bricks!) / bricks_per_plane!,
    // Surplus lanes of the last workgroup return at once, but their wave is occupied.
    computed: invocations * CLASSES! * KH! * KW! * brick_rows! * width!,
  }
}

/** Voxels of half the resolution under a kernel: those of 3 taps are 2. */
function half(taps: number): number {
  return (taps + 1) / 2
}
