import type { ChosenFiles, LabelMeaning, Network, PhantomRecipe, RunSettings } from './protocol.js'

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
  const [prior] = files('prior')
  if (!prior) throw new Error('choose a prior')
  return {
    scans: files('scans'),
    prior,
    truths: files('truths'),
    table: files('table')[0],
    meaning: text(values, 'meaning') as LabelMeaning,
    blur: Number(text(values, 'blur')),
  }
}

export function runSettings(form: HTMLFormElement): RunSettings {
  const values = new FormData(form)
  const number = (name: keyof RunSettings) => Number(text(values, name))
  return {
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

/** The settings of `sae demo`: phantoms are small, so a small network and large steps will do. */
export const phantomSettings: Partial<RunSettings> = {
  network: 'small',
  pretrainingEpochs: 45,
  pretrainingRate: 0.02,
  trainingEpochs: 30,
  trainingRate: 0.005,
}

/** The paper's settings. */
export const scanSettings: Partial<RunSettings> = {
  network: 'paper',
  pretrainingEpochs: 50,
  pretrainingRate: 0.001,
  trainingEpochs: 500,
  trainingRate: 0.001,
}

export function fillSettings(form: HTMLFormElement, settings: Partial<RunSettings>): void {
  for (const [name, value] of Object.entries(settings)) {
    const field = form.elements.namedItem(name)
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = String(value)
  }
}

/** Puts dropped files into the inputs that their names suggest; the visitor can then change them. */
export function distribute(files: readonly File[], forms: readonly HTMLFormElement[]): void {
  const groups: Record<string, File[]> = {}
  for (const file of files) (groups[roleOf(file.name)] ??= []).push(file)
  for (const [role, members] of Object.entries(groups)) {
    const field = forms.map((form) => form.elements.namedItem(role)).find((found) => found !== null)
    if (!(field instanceof HTMLInputElement)) continue
    const transfer = new DataTransfer()
    for (const file of field.multiple ? members : members.slice(0, 1)) transfer.items.add(file)
    field.files = transfer.files
    field.dispatchEvent(new Event('change'))
  }
}

function roleOf(name: string): string {
  if (/\.(json|tsv)$/i.test(name)) return 'table'
  if (/\.(safetensors|pth|pt|pth\.tar)$/i.test(name)) return 'weights'
  if (/prior|atlas|probseg/i.test(name)) return 'prior'
  if (/truth|label|dseg|aseg|_seg/i.test(name)) return 'truths'
  return 'scans'
}

function text(values: FormData, name: string): string {
  const value = values.get(name)
  return typeof value === 'string' ? value : ''
}
