import { defineNode, only, type DeviceTraits, type KernelCall } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import { planes, slabs, type Slab } from '../autograd/window.js'

/**
 * Nearest-neighbour upsampling by two, as `torch.nn.functional.interpolate(input, scale_factor=2)`.
 *
 * @param input [N, C, D, H, W]
 * @returns [N, C, 2D, 2H, 2W]
 */
export function upsampleNearest(input: Value): Value {
  const [n, c, ...extents] = input.shape as [number, number, number, number, number]
  volumeShape(input)
  return only(
    defineNode({
      op: 'upsample_nearest',
      inputs: [input],
      outputs: [{ shape: [n, c, ...extents.map((extent) => 2 * extent)] }],
      emit: ([output], device) =>
        resample('upsample_nearest/forward', 'input', input, 'output', output!, device),
      backward: ([gradOutput]) => [
        only(
          defineNode({
            op: 'upsample_nearest backward',
            inputs: [gradOutput!],
            outputs: [{ shape: input.shape }],
            emit: ([gradInput], device) =>
              resample(
                'upsample_nearest/backward',
                'grad_input',
                gradInput!,
                'grad_output',
                gradOutput!,
                device,
              ),
          }),
        ),
      ],
    }),
  )
}

/** Both directions run over slabs of the coarse volume; two fine planes belong to each of its planes. */
function resample(
  shader: 'upsample_nearest/forward' | 'upsample_nearest/backward',
  coarseName: string,
  coarse: Value,
  fineName: string,
  fine: Value,
  device: DeviceTraits,
): KernelCall[] {
  const { channels, height, width, area, planes: count } = volumeShape(coarse)
  const forward = shader === 'upsample_nearest/forward'
  const windows = ({ first, last }: Slab) => ({
    [coarseName]: planes(coarse, first, last),
    [fineName]: planes(fine, 2 * first, 2 * last),
  })
  const groupsPerPlane = forward ? 2 : 1
  return slabs(count, device, (slab) => Object.values(windows(slab)), groupsPerPlane).map((slab) => ({
    shader,
    params: {
      channels,
      in_height: height,
      in_width: width,
      first_plane: forward ? 2 * slab.first : slab.first,
    },
    bindings: windows(slab),
    workgroups: [
      Math.ceil(((forward ? 4 : 1) * area) / 64),
      channels,
      groupsPerPlane * (slab.last - slab.first),
    ] as const,
  }))
}
