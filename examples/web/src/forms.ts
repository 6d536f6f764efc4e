import { epochsOf, recipes, type RecipeName } from 'sae-webgpu'
import type {
  ChosenFiles,
  DeviceSettings,
  Grouping,
  LabelMeaning,
  Network,
  PhantomRecipe,
  RunSettings,
} from './protocol.js'

/** The contents of the phantom form. @throws Error if the size is not three numbers */
export function phantomRecipe(form: HTMLFormElement): PhantomRecipe {
  const values = new FormData(form)
  const shape = text(values, 'size').split(/[,x]/).map(Number)
  if (shape.length !== 3) throw new Error('give the size as three numbers, such as 24,32,32')
  return {
    shape: shape as [number, number, number],
    subjects: Number(text(values, 'subjects')),
    seed: Number(text(values, 'phantom-seed')),
  }
}

export function chosenFiles(form: HTMLFormElement): ChosenFiles {
  const values = new FormData(form)
  // An empty file input yields one nameless, empty file.
  const files = (name: string) =>
    values.getAll(name).filter((value): value is File => value instanceof File && value.name !== '')
  return {
    scans: files('scans'),
    grouping: grouping(form),
    prior: files('prior')[0],
    truths: files('truths'),
    table: files('table')[0],
    meaning: text(values, 'meaning') as LabelMeaning,
    blur: Number(text(values, 'blur')),
  }
}

/** Whether the scans of the form are of one person. */
export function grouping(form: HTMLFormElement): Grouping {
  return groupingField(form).value as Grouping
}

export function setGrouping(form: HTMLFormElement, value: Grouping): void {
  groupingField(form).value = value
}

function groupingField(form: HTMLFormElement): HTMLSelectElement {
  const field = form.elements.namedItem('grouping')
  if (!(field instanceof HTMLSelectElement)) throw new Error('there is no field grouping')
  return field
}

/** Puts files into an input, as if the visitor had chosen them. */
export function setFiles(form: HTMLFormElement, name: string, files: readonly File[]): void {
  const field = form.elements.namedItem(name)
  if (!(field instanceof HTMLInputElement)) throw new Error(`there is no field ${name}`)
  const transfer = new DataTransfer()
  for (const file of files) transfer.items.add(file)
  field.files = transfer.files
}

/** Puts back what was chosen before. */
export function setChosen(
  form: HTMLFormElement,
  { scans, prior, truths, table, grouping }: Omit<ChosenFiles, 'meaning' | 'blur'>,
): void {
  setFiles(form, 'scans', scans)
  setFiles(form, 'prior', prior ? [prior] : [])
  setFiles(form, 'truths', truths)
  setFiles(form, 'table', table ? [table] : [])
  setGrouping(form, grouping)
}

export function deviceSettings(form: HTMLFormElement): DeviceSettings {
  const values = new FormData(form)
  const megabytes = Number(text(values, 'memoryLimit'))
  return {
    memoryLimit: megabytes > 0 ? megabytes * 1e6 : undefined,
    precision: values.has('halfPrecision') ? 'f16' : 'f32',
  }
}

export function runSettings(form: HTMLFormElement): RunSettings {
  const values = new FormData(form)
  const number = (name: keyof RunSettings) => Number(text(values, name))
  return {
    ...deviceSettings(form),
    recipe: text(values, 'recipe') as RecipeName,
    network: text(values, 'network') as Network,
    pretrainingEpochs: number('pretrainingEpochs'),
    pretrainingRate: number('pretrainingRate'),
    trainingEpochs: number('trainingEpochs'),
    trainingRate: number('trainingRate'),
    beta: number('beta'),
    neighbourhood: number('neighbourhood'),
    batchSize: number('batchSize'),
    seed: number('seed'),
  }
}

/** Half floats can be chosen only if the device stores them. */
export function offerHalfPrecision(form: HTMLFormElement, can: boolean): void {
  const half = form.elements.namedItem('halfPrecision')
  if (!(half instanceof HTMLInputElement)) return
  half.disabled = !can
  half.checked &&= can
  half.title = can ? '' : 'This device cannot store half floats (WebGPU feature shader-f16).'
}

/** Fills in the settings of the chosen recipe. @param scans how many there are: the default recipe counts steps */
export function fillRecipe(form: HTMLFormElement, scans: number): void {
  const values = new FormData(form)
  const { pretraining, training } = recipes[text(values, 'recipe') as RecipeName]
  const batchSize = Number(text(values, 'batchSize'))
  const epochs = (stage: { readonly steps?: number; readonly settings: { readonly epochs: number } }) =>
    stage.steps === undefined ? stage.settings.epochs : epochsOf(stage.steps, Math.max(scans, 1), batchSize)
  fillSettings(form, {
    pretrainingEpochs: epochs(pretraining),
    pretrainingRate: pretraining.settings.learningRate,
    trainingEpochs: epochs(training),
    trainingRate: training.settings.learningRate,
    beta: training.settings.beta,
    neighbourhood: training.settings.neighbourhood,
  })
}

export function fillSettings(form: HTMLFormElement, settings: Partial<RunSettings>): void {
  const { memoryLimit, precision, ...others } = settings
  for (const [name, value] of Object.entries(others)) {
    const field = form.elements.namedItem(name)
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = String(value)
  }
  const half = form.elements.namedItem('halfPrecision')
  if (precision && half instanceof HTMLInputElement) half.checked = precision === 'f16'
  const limit = form.elements.namedItem('memoryLimit')
  if (memoryLimit && limit instanceof HTMLInputElement) limit.value = String(memoryLimit / 1e6)
}

function text(values: FormData, name: string): string {
  const value = values.get(name)
  return typeof value === 'string' ? value : ''
}
