import { byId, download, say } from './dom.js'
import { Engine } from './engine.js'
import {
  chosenFiles,
  distribute,
  fillSettings,
  phantomRecipe,
  phantomSettings,
  runSettings,
  scanSettings,
} from './forms.js'
import { ImagePanel } from './image-panel.js'
import type { DataSummary, EngineEvent, RunSettings, RunState, SavedRun } from './protocol.js'
import { RunPanel } from './run-panel.js'

const fileForm = byId('file-form', HTMLFormElement)
const phantomForm = byId('phantom-form', HTMLFormElement)
const settingsForm = byId('settings-form', HTMLFormElement)
const weightsForm = byId('weights-form', HTMLFormElement)
const weightsField = byId('weights', HTMLInputElement)
const saveButtons = ['save-segmentation', 'save-weights'].map((id) => byId(id, HTMLButtonElement))

const engine = new Engine(receive)
const images = new ImagePanel(engine, showError)
const runPanel = new RunPanel()
let data: DataSummary | undefined
let running = false
let paused = false
/** Whether the device was lost: other failures then follow from that and are not shown. */
let lost = false

runPanel.begin(undefined, undefined)
void begin()

async function begin(): Promise<void> {
  listen()
  if (await openDevice()) await offerSavedRun()
}

/** Returns false if there is no device to compute on; the page then says what to do. */
async function openDevice(): Promise<boolean> {
  const badge = byId('adapter', HTMLParagraphElement)
  try {
    const { name, software } = await engine.call('open')
    badge.textContent = `Running on ${name} (${software ? 'software, slow' : 'hardware'})`
    return true
  } catch (error) {
    badge.textContent = 'No graphics device'
    say(byId('help-reason', HTMLParagraphElement), `Reason: ${lineOf(error)}.`)
    byId('help', HTMLDivElement).hidden = false
    setBusy(true)
    return false
  }
}

function listen(): void {
  onSubmit(phantomForm, async () => {
    await takeData(engine.call('makePhantoms', phantomRecipe(phantomForm)), phantomSettings)
  })
  onSubmit(fileForm, async () => {
    await takeData(engine.call('readFiles', chosenFiles(fileForm)), scanSettings)
  })
  onSubmit(settingsForm, () => run(runSettings(settingsForm)))
  onClick('resume', () => run(undefined))
  onClick('pause', () => setPaused(!paused))
  onClick('stop', async () => {
    runPanel.say('Stopping after the current step')
    await engine.call('stop')
  })
  onClick('save-segmentation', async () => {
    const { name, bytes } = await engine.call('saveSegmentation', images.scan)
    download(name, bytes)
  })
  onClick('save-weights', async () => {
    const { name, bytes } = await engine.call('saveWeights')
    download(name, bytes)
  })
  onClick('saved-restore', () => resumeSaved())
  onClick('saved-forget', async () => {
    await engine.call('forget')
    byId('saved', HTMLDivElement).hidden = true
  })
  onClick('lost-restart', () => recover())
  weightsField.addEventListener('change', () => void guarded(loadWeights))
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
  })
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    if (!running) distribute([...(event.dataTransfer?.files ?? [])], [fileForm, weightsForm])
  })
}

async function takeData(reading: Promise<DataSummary>, settings: Partial<RunSettings>): Promise<void> {
  setBusy(true)
  runPanel.say('Reading')
  try {
    const summary = await reading
    fillSettings(settingsForm, settings)
    await showData(summary, undefined)
    runPanel.say('Ready to train')
    runPanel.focus()
  } catch (error) {
    runPanel.say('')
    throw error
  } finally {
    setBusy(false)
  }
}

async function showData(summary: DataSummary, state: RunState | undefined): Promise<void> {
  data = summary
  const { description, classes, priorDice, notes } = summary
  const score = priorDice === undefined ? '' : ` Mean Dice of the prior alone: ${priorDice.toFixed(3)}.`
  byId('data-text', HTMLParagraphElement).textContent = `${description}, ${classes.length} classes.${score}`
  byId('notes', HTMLUListElement).replaceChildren(
    ...notes.map((text) => Object.assign(document.createElement('li'), { textContent: text })),
  )
  runPanel.begin(priorDice, state)
  runPanel.setPhase(state ? 'stopped' : 'ready')
  enableSaving(state !== undefined)
  weightsField.disabled = false
  byId('data-forms', HTMLDetailsElement).open = false
  await images.showData(summary)
}

/** @param settings of a new run; undefined to resume the current one */
async function run(settings: RunSettings | undefined): Promise<void> {
  byId('saved', HTMLDivElement).hidden = true
  if (settings) runPanel.begin(data?.priorDice, undefined)
  running = true
  paused = false
  setBusy(true)
  runPanel.setPhase('running')
  try {
    const outcome = await engine.call('train', settings)
    runPanel.say(outcome === 'done' ? 'Done: the run is complete' : 'Stopped')
    runPanel.setPhase(outcome === 'done' ? 'ready' : 'stopped')
  } catch (error) {
    runPanel.setPhase('stopped')
    throw error
  } finally {
    running = false
    setBusy(false)
  }
}

async function setPaused(wanted: boolean): Promise<void> {
  paused = wanted
  await engine.call('setPaused', wanted)
  runPanel.setPhase(wanted ? 'paused' : 'running')
  runPanel.say(wanted ? 'Paused' : 'Resumed')
}

async function loadWeights(): Promise<void> {
  const file = weightsField.files?.[0]
  if (!file) return
  const what = await engine.call('loadWeights', file)
  runPanel.say(`${file.name}: ${what}`)
  runPanel.begin(data?.priorDice, undefined)
  runPanel.setPhase('ready')
  fillSettings(settingsForm, { pretrainingEpochs: 0 })
  enableSaving(true)
  await images.weightsChanged()
}

async function offerSavedRun(): Promise<void> {
  // If the browser cannot store runs, there is none to offer.
  const saved = await engine.call('savedRun').catch(() => undefined)
  if (!saved) return
  byId('saved-text', HTMLParagraphElement).textContent = `Resume the run of ${describeRun(saved)}?`
  byId('saved', HTMLDivElement).hidden = false
}

function describeRun({ description, state: { stage, epoch, settings }, saved }: SavedRun): string {
  const epochs = stage === 'training' ? settings.trainingEpochs : settings.pretrainingEpochs
  const when = new Date(saved).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
  return `${description}: ${stage}, epoch ${epoch} of ${epochs} done, saved on ${when}`
}

async function resumeSaved(): Promise<void> {
  byId('saved', HTMLDivElement).hidden = true
  const { data: summary, state } = await engine.call('restore')
  fillSettings(settingsForm, state.settings)
  await showData(summary, state)
  await images.weightsChanged()
  await run(undefined)
}

/** Starts a new worker with a new device, and resumes the saved run. */
async function recover(): Promise<void> {
  byId('lost', HTMLDivElement).hidden = true
  engine.restart()
  const opened = await openDevice()
  lost = false
  if (!opened) return
  if (await engine.call('savedRun').catch(() => undefined)) await resumeSaved()
  else location.reload()
}

function receive(event: EngineEvent): void {
  switch (event.type) {
    case 'status':
      runPanel.say(event.text)
      break
    case 'progress':
      runPanel.show(event)
      break
    case 'updated':
      enableSaving(true)
      void images.weightsChanged()
      break
    case 'notSaved':
      byId('keeping', HTMLParagraphElement).textContent =
        `This run cannot be saved for a later visit: ${event.reason}. Save the weights before you close the tab.`
      break
    case 'lost':
      showError(undefined)
      lost = true
      byId('lost-reason', HTMLParagraphElement).textContent = `The graphics device was lost: ${event.reason}`
      byId('lost', HTMLDivElement).hidden = false
      break
  }
}

/** Disables everything that would change data or weights during a run. */
function setBusy(busy: boolean): void {
  for (const form of [fileForm, phantomForm]) {
    for (const field of form.elements) (field as HTMLInputElement).disabled = busy
  }
  weightsField.disabled = busy || !data
}

function enableSaving(enabled: boolean): void {
  for (const button of saveButtons) button.disabled = !enabled
}

function onSubmit(form: HTMLFormElement, action: () => Promise<void>): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void guarded(action)
  })
}

function onClick(id: string, action: () => Promise<void>): void {
  byId(id, HTMLButtonElement).addEventListener('click', () => void guarded(action))
}

async function guarded(action: () => Promise<void>): Promise<void> {
  showError(undefined)
  try {
    await action()
  } catch (error) {
    showError(error)
  }
}

function showError(error: unknown): void {
  if (lost) return
  say(byId('error', HTMLParagraphElement), error === undefined ? '' : lineOf(error))
}

function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
