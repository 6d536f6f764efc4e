import { InvalidArgumentError, Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { formatShape } from '../../io/volume.js'
import { checkpointMetadata } from '../../sae/checkpoint.js'
import { checkTensors, createModel, type NamedTensor } from '../../sae/model.js'
import { overwriteOption, terminalOf, wholeNumber } from '../options.js'
import { Outputs, writeOutput } from '../outputs/output-files.js'
import { requireNoFolder } from '../outputs/output-folder.js'
import type { Terminal } from '../terminal.js'
import { readWeights, writeTensorFile } from '../inputs/weights-file.js'

interface ExportOptions {
  shape?: [number, number, number]
  overwrite?: boolean
}

export function addExport(program: Command): void {
  program
    .command('export')
    .summary('write trained weights for other programs')
    .description(
      'Writes the encoder as an ONNX model (operator set 17), which ONNX Runtime and others run, or its weights alone as .safetensors, without what training needs to go on.',
    )
    .argument('<weights>', "ours, or the reference release's (.safetensors, .pth.tar)")
    .argument('<output>', '.onnx or .safetensors')
    .addOption(
      new Option(
        '--shape <d,h,w>',
        'state in the .onnx that scans have this size, as some programs require (default: any size)',
      ).argParser(shape),
    )
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
The .onnx has
  input scan [1, 1, D, H, W]      intensities scaled to 0..1 as its metadata says (intensities: robust or unit)
  input prior [1, K, D, H, W]     probabilities, if the network adds their logarithm
  output logits [1, K, D, H, W]   for a softmax over the K channels, less those whose prior is below 1e-8
If classes are divided into parts, K counts parts, and architecture in the metadata says of which class each is.

Example:
  sae export run/best.safetensors encoder.onnx`,
    )
    .action(async (weights: string, output: string, options: ExportOptions, command: Command) => {
      await exportWeights(weights, output, options, terminalOf(command))
    })
}

async function exportWeights(
  path: string,
  output: string,
  { shape: size, overwrite }: ExportOptions,
  terminal: Terminal,
): Promise<void> {
  requireNoFolder(output, 'output')
  const format = formatOf(output)
  if (size && format !== 'onnx') throw new UserError('--shape is for .onnx only; leave it out')
  const outputs = Outputs.ofFile(output, { files: [output], inputs: [path], overwrite }, 'output')
  await outputs.requireFree()
  const { info, tensors, metadata, source } = await readWeights(path)
  const { architecture } = info
  const { encoder, decoder } = createModel(architecture)
  checkTensors(encoder.parameters, tensors, source)
  const about = checkpointMetadata({ ...info, training: undefined })
  await outputs.claim()
  if (format === 'onnx') {
    // Only this needs protobuf, which takes a tenth of a second to load.
    const { writeOnnx } = await import('../../io/onnx.js')
    const { encoderGraph } = await import('../encoder-onnx.js')
    await writeOutput(output, writeOnnx(encoderGraph(architecture, tensors, size), about))
    const scans = size ? `${formatShape(size)} voxels` : 'any size'
    terminal.status(
      `${path} -> ${output}: encoder of ${architecture.classes} channels for scans of ${scans}${architecture.priorLogits ? ', with the prior as second input' : ''}`,
    )
    return
  }
  const kept = new Map<string, NamedTensor>()
  for (const { name } of [...encoder.parameters, ...decoder.parameters]) {
    const tensor = tensors.get(name)
    if (tensor) kept.set(name, tensor)
  }
  const grid = metadata.grid === undefined ? {} : { grid: metadata.grid }
  await writeTensorFile(output, kept, { ...about, ...grid })
  terminal.status(`${path} -> ${output}: ${kept.size} tensors`)
}

function formatOf(output: string): 'onnx' | 'safetensors' {
  const extension = /\.(onnx|safetensors)$/i.exec(output)?.[1]?.toLowerCase()
  if (extension === 'onnx' || extension === 'safetensors') return extension
  throw new UserError(`${output}: weights are exported as .onnx or .safetensors; give it such a name`)
}

/** Argument parser: the size of a volume. */
function shape(text: string): [number, number, number] {
  const [d, h, w, ...others] = text.split(/[,x]/).map(wholeNumber(1, 32767))
  if (d !== undefined && h !== undefined && w !== undefined && others.length === 0) return [d, h, w]
  throw new InvalidArgumentError('It must be three whole numbers such as 160,192,224.')
}
